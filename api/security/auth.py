"""Check access: by token, or by loopback address if no token is set.

A token is sent as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic, as browsers do.
Against cross-site requests, a request with an `Origin` other than this host is refused. If no token
is set, so is a request whose `Host` is not a loopback name (DNS rebinding), and one that came
through a proxy.
"""

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from pydantic import SecretStr
from starlette.datastructures import Headers

from breakerd.api.problems import Problem
from breakerd.api.security.tokens import TOKEN_VARIABLE, Tokens

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Actor:
    """A client: its right ("full token", "read token" or "loopback") and its address."""

    right: str
    client: str


class Access:
    """Decide whether a request is allowed.

    Args:
        tokens: accepted tokens; by default those of the environment. The attribute may be replaced
            at any time.
    """

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.tokens = Tokens.load() if tokens is None else tokens

    def check(self, request: Request) -> Actor:
        """Return the client if the request is allowed.

        Raises:
            Problem: 401 without a valid token; 403 for a change with the read token, for a foreign
                origin, and for a request that needs a token because it is not from loopback.
        """
        _refuse_foreign_origin(request.headers)
        tokens = self.tokens
        if not tokens:
            return _local_actor(request)
        right = _right(tokens, _presented(request.headers))
        if right is None:
            raise _unauthorised(request)
        if right == "read token" and request.method not in _SAFE_METHODS:
            raise Problem(403, f"The read token may not change anything; use {TOKEN_VARIABLE}.")
        return Actor(right, _client(request))


class SecurityScheme(SecurityBase):
    """Describe for OpenAPI how a token is sent; `Access` checks it."""

    def __init__(self, scheme: str, description: str) -> None:
        self.model = HTTPBase(scheme=scheme, description=description)
        self.scheme_name = f"breakerd_{scheme}"

    async def __call__(self) -> None:
        """Do nothing."""


BEARER: Final = SecurityScheme("bearer", "The full token; for GET also the read token.")
BASIC: Final = SecurityScheme("basic", "A token as the password, with any user name.")


def is_loopback(host: str) -> bool:
    """Return True if a host name or address is loopback, without resolving it."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _refuse_foreign_origin(headers: Headers) -> None:
    origin = headers.get("origin")
    if origin is None:
        return
    host = headers.get("host", "")
    site = _host_and_port(origin)
    if site is None or site != _host_and_port(f"{origin.partition(':')[0]}://{host}"):
        raise Problem(403, f"Cross-origin request: Origin is {origin}, Host is {host}.")


def _host_and_port(url: str) -> tuple[str, int] | None:
    """Return host and port of a URL; None if it has none or is invalid."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def _local_actor(request: Request) -> Actor:
    advice = f"Set {TOKEN_VARIABLE} and send it as a bearer token."
    client = _client(request)
    if not is_loopback(client):
        raise Problem(
            403, f"Requests from {client} need a token; only loopback may omit it. {advice}"
        )
    if any(header in request.headers for header in _PROXY_HEADERS):
        raise Problem(403, f"Requests through a proxy need a token. {advice}")
    host = request.headers.get("host", "")
    named = _host_and_port(f"http://{host}")
    if named is None or not is_loopback(named[0]):
        raise Problem(403, f"Requests with Host {host!r} need a token. {advice}")
    return Actor("loopback", client)


def _presented(headers: Headers) -> bytes:
    """Return the token in the request; empty if there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    credentials = value.strip().encode("latin-1")
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _right(tokens: Tokens, presented: bytes) -> str | None:
    # Always compare both, so that the time taken reveals nothing.
    full, read = _matches(tokens.full, presented), _matches(tokens.read, presented)
    if full:
        return "full token"
    return "read token" if read else None


def _matches(token: SecretStr | None, presented: bytes) -> bool:
    expected = token.get_secret_value().encode() if token else b""
    return hmac.compare_digest(expected, presented) and bool(expected)


def _unauthorised(request: Request) -> Problem:
    # Only the dashboard asks a browser to prompt for a password.
    page = request.url.path == "/" or "/dashboard" in request.url.path
    challenge = 'Basic realm="breakerd", charset="UTF-8"' if page else 'Bearer realm="breakerd"'
    return Problem(
        401,
        f"A token is required, as 'Authorization: Bearer TOKEN'; see {TOKEN_VARIABLE}.",
        headers={"WWW-Authenticate": challenge},
    )


def _client(request: Request) -> str:
    return request.client.host if request.client else "an unknown address"
