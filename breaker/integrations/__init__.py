"""Breakers around other people's servers and clients: a small module for each.

`breaker.integrations.asgi` and `.wsgi` guard requests that come in; `.httpx` and `.requests` guard
those that go out. None is loaded by `import breaker`, and each needs only what it is named after.
"""
