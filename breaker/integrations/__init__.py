"""Breakers around third-party servers and clients, one module each.

`breaker.integrations.asgi` and `.wsgi` guard incoming requests; `.httpx` and `.requests` guard
outgoing ones; `.flask`, `.django` and `.starlette` answer what a guard raises inside a view. None
is loaded by `import breakerd`; each needs only the package it is named after.
"""
