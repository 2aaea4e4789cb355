"""Who may read and who may change: tokens, and without them, nobody but this machine.

A token comes as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic, which is how a
browser sends it. Against pages of other sites that a browser happens to show: a request whose
`Origin` is not this host is refused, and without tokens, so is one that names this host by
anything but a loopback name (DNS rebinding), or that came through a proxy.
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
    """Who asks: by which right ("full token", "read token", "loopback"), from which address."""

    right: str
    client: str


class Access:
    """Decides who may do what.

    Args:
        tokens: by default those of the environment. They may be replaced at any time.
    """

    def __init__(self, tokens: Tokens | None = None) -> None:
        self.tokens = Tokens.load() if tokens is None else tokens

    def check(self, request: Request) -> Actor:
        """Who asks, if they may.

        Raises:
            Problem: 401 without a token that is known; 403 with one that may only read, or where
                the request is not what it seems.
        """
        _refuse_foreign_origin(request.headers)
        tokens = self.tokens
        if not tokens:
            return _local_actor(request)
        right = _right(tokens, _presented(request.headers))
        if right is None:
            raise _unauthorised(request)
        if right == "read token" and request.method not in _SAFE_METHODS:
            raise Problem(403, f"The read token may not change anything; {TOKEN_VARIABLE} may.")
        return Actor(right, _client(request))


class SecurityScheme(SecurityBase):
    """Tells OpenAPI how a token is sent. `Access` is what checks it."""

    def __init__(self, scheme: str, description: str) -> None:
        self.model = HTTPBase(scheme=scheme, description=description)
        self.scheme_name = scheme

    async def __call__(self) -> None:
        """Checks nothing."""


BEARER: Final = SecurityScheme("bearer", "The full token, or for GET the read token.")
BASIC: Final = SecurityScheme("basic", "A token as the password; any user name.")


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, whatever the network says."""
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
        raise Problem(403, f"The request comes from a page of {origin}, and this is {host}.")


def _host_and_port(url: str) -> tuple[str, int] | None:
    """Host and port of a URL."""
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
        raise Problem(403, f"Without a token only this machine may ask, not {client}. {advice}")
    if any(header in request.headers for header in _PROXY_HEADERS):
        raise Problem(403, f"Without a token, requests through a proxy are refused. {advice}")
    host = request.headers.get("host", "")
    named = _host_and_port(f"http://{host}")
    if named is None or not is_loopback(named[0]):
        raise Problem(403, f"Without a token this host is not to be called {host!r}. {advice}")
    return Actor("loopback", client)


def _presented(headers: Headers) -> bytes:
    """The token in the request; empty if there is none."""
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
    # Both are compared whatever comes of the first, so that the time taken tells nothing.
    full, read = _matches(tokens.full, presented), _matches(tokens.read, presented)
    if full:
        return "full token"
    return "read token" if read else None


def _matches(token: SecretStr | None, presented: bytes) -> bool:
    expected = token.get_secret_value().encode() if token else b""
    return hmac.compare_digest(expected, presented) and bool(expected)


def _unauthorised(request: Request) -> Problem:
    # Only where a person looks with a browser is it asked to prompt for a password.
    page = request.url.path == "/" or "/dashboard" in request.url.path
    challenge = 'Basic realm="breakerd", charset="UTF-8"' if page else 'Bearer realm="breakerd"'
    return Problem(
        401,
        f"This needs a token, as 'Authorization: Bearer TOKEN'; see {TOKEN_VARIABLE}.",
        headers={"WWW-Authenticate": challenge},
    )


def _client(request: Request) -> str:
    return request.client.host if request.client else "an unknown address"
