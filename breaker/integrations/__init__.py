"""Breakers around third-party servers and clients, one module each.

`breaker.integrations.asgi` and `.wsgi` guard incoming requests; `.httpx` and `.requests` guard
outgoing ones. None is loaded by `import breakerd`; each needs only the package it is named after.
"""
