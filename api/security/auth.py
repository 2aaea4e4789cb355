"""Check access: by the tokens that are set, else by the made token or by loopback address.

A token is sent as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic, as browsers do.
Against cross-site requests, a request that a page of another site has made is refused. A request is
taken as one of this machine only if its address and its `Host` are loopback (the latter against DNS
rebinding) and nothing shows that a proxy has forwarded it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from pydantic import SecretStr
from starlette.datastructures import Headers

from breakerd.api.problems import Problem
from breakerd.api.security.exposure import Exposure
from breakerd.api.security.loopback import is_loopback
from breakerd.api.security.made_token import MadeToken
from breakerd.api.security.proxy import proxy_sign
from breakerd.api.security.refusals import Refusals
from breakerd.api.security.site import host_and_port, refuse_foreign_site
from breakerd.api.security.tokens import TOKEN_VARIABLE, Tokens
from breakerd.api.settings import OPEN_LOOPBACK_RISK, ApiSettings, Loopback
from breakerd.breaker.encoding.printable import printable
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NOBODY: Final = secrets.token_bytes(32)
"""Digest that no token has."""


USER_HEADER: Final = "X-Breakerd-User"
"""Header by which a client says who uses it."""
CLIENT_HEADER: Final = "X-Breakerd-Client"
"""Header by which a client says what it is."""
REASON_HEADER: Final = "X-Reason"
"""Header by which a client says why it changes something; `?reason=` says it too."""
_MAX_USER: Final = 100
"""Maximum number of characters of a user's name."""
_MAX_REASON: Final = 500
"""The same of a reason."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A client: its right ("full token", "made token", "read token", "loopback"), its address.

    `user` is the name that the client gives; empty if it gives none. It is shown as it was given,
    and decides nothing: whoever has the token may give any name. So are `reason`, why it changes
    something, and `tool`, what the client is.
    """

    right: str
    client: str
    user: str = ""
    reason: str = ""
    tool: str = ""

    @property
    def by(self) -> str:
        """Name for those who ask who did it: the user's, else the address of another machine."""
        return self.user or ("" if is_loopback(self.client) else self.client)


class Access:
    """Decide whether a request is allowed. It reads and makes no file before it is asked to.

    Args:
        tokens: accepted tokens; by default those of the environment. The attribute may be replaced
            at any time.
        made: the token where none is set; by default in the default file.
        loopback: rights of this machine without a token, where none is set.
    """

    def __init__(
        self,
        tokens: Tokens | None = None,
        *,
        made: MadeToken | None = None,
        loopback: Loopback = "read",
    ) -> None:
        self.tokens = Tokens.load() if tokens is None else tokens
        self.made = made or MadeToken()
        self.loopback: Loopback = loopback
        self._refusals = Refusals()

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "Access":
        """Return the access that `[api]` and the environment ask for.

        Raises:
            ConfigError: a token file cannot be read or is empty.
        """
        made = MadeToken(settings.made_token_file)
        return cls(Tokens.load(settings), made=made, loopback=settings.loopback)

    def follow(self, settings: ApiSettings, tokens: Tokens) -> None:
        """Put changed settings and tokens in force; make the token anew where its file changed."""
        before = (self.tokens, self.made.path, self.loopback)
        # First of all, so that a request in between has too few rights and not too many.
        self.tokens = tokens
        if settings.made_token_file != self.made.file:
            # Else it stays where it is: the working directory may have changed.
            self.made = MadeToken(settings.made_token_file)
        self.loopback = settings.loopback
        if before != (self.tokens, self.made.path, self.loopback):
            self.start()

    def start(self) -> None:
        """Make the token where one is needed, and log what rights there are without one.

        Not needed for `check`, which makes the token at the first request that needs it. It reads
        and writes files: not to be called in an event loop.
        """
        if self.tokens.full is None and self.made.get() is not None:
            _log.info("made token in use: no token is set", file=str(self.made.path))
        if self.risk:
            _log.warning('[api] loopback is "open"', risk=self.risk)

    @property
    def problem(self) -> str | None:
        """Reason why nobody may change anything, although a token should be made; else None."""
        return self.made.problem if self.tokens.full is None else None

    @property
    def risk(self) -> str | None:
        """Risk that anybody on this machine may change things without a token; None if not."""
        return OPEN_LOOPBACK_RISK if self.loopback == "open" and not self.tokens else None

    def dashboard_link(self, url: str) -> str | None:
        """Return the dashboard's address with the made token in it; None if there is none.

        A secret: for a terminal only. For files see `start`.

        Args:
            url: URL of the service, without a slash at its end.
        """
        token = self.made.get() if self.tokens.full is None else None
        return f"{url}/#token={quote(token.get_secret_value(), safe='')}" if token else None

    async def check(self, request: Request, exposure: Exposure = Exposure.PROTECTED) -> Actor:
        """Return the client if the request is allowed; else it is logged.

        Args:
            request: the request.
            exposure: of the route.

        Raises:
            Problem: 401 without a valid token where one is needed; 403 for a change with the read
                token, and for a request that a page of another site has made.
        """
        try:
            return await self._check(request, exposure)
        except Problem as problem:
            # Not one that only lacks a token: the dashboard asks so, and shows then a form.
            if problem.status != HTTPStatus.UNAUTHORIZED or not _only_asks(request):
                asked = f"{request.method} {request.scope['path']}"
                self._refusals.note(_client(request), asked, problem.detail)
            raise

    async def _check(self, request: Request, exposure: Exposure) -> Actor:
        reads = request.method in _SAFE_METHODS
        refuse_foreign_site(request, reads=reads)
        why_remote = _why_remote(request)
        if not self.tokens and self._is_exposed(exposure, reads=reads, local=why_remote is None):
            return _actor("loopback", request)
        right = await self._right(_presented(request.headers))
        if right is None:
            raise self._unauthorised(request, why_remote)
        if right == "read token" and not reads:
            raise Problem(403, f"The read token may not change anything. {self._where()}")
        return _actor(right, request)

    def _is_exposed(self, exposure: Exposure, *, reads: bool, local: bool) -> bool:
        """Return True if no token is needed where none is set."""
        return local and (self.loopback == "open" or (exposure is Exposure.STATE and reads))

    async def _right(self, presented: bytes) -> str | None:
        tokens = self.tokens
        # A thread, because a disk may hang.
        made = await run_in_threadpool(self.made.get) if tokens.full is None else None
        # Always compare all, so that the time taken reveals nothing.
        rights = {
            "full token": _matches(tokens.full, presented),
            "made token": _matches(made, presented),
            "read token": _matches(tokens.read, presented),
        }
        return next((right for right, matches in rights.items() if matches), None)

    def _unauthorised(self, request: Request, why_remote: str | None) -> Problem:
        if "authorization" in request.headers:
            found = "The token is not valid."
        elif self.tokens or why_remote is None:
            found = "A token is required."
        else:
            found = f"A token is required, because {why_remote}."
        how = "Send it as 'Authorization: Bearer TOKEN'."
        # Not Basic, for which a browser would prompt: the dashboard asks by itself.
        challenge = {"WWW-Authenticate": 'Bearer realm="breakerd"'}
        return Problem(401, f"{found} {how} {self._where()}", headers=challenge)

    def _where(self) -> str:
        """Say where the token is that may change things, or what to do for one."""
        if self.tokens.full is not None:
            return f"It is the one in {TOKEN_VARIABLE} of the service, or in [api] token_file."
        if self.made.path is None:
            return f"The service has none that may change anything: set {TOKEN_VARIABLE}."
        if self.made.problem:
            return (
                f"The service has none that may change anything, and could not make one "
                f"({self.made.problem}): set {TOKEN_VARIABLE}, or repair the file of [api] "
                f"made_token_file."
            )
        # Not its absolute path: anybody may read this.
        file = self.made.file if not self.made.file.startswith("/") else "[api] made_token_file"
        return f"It is in {file}, in the folder that the service was started in."


class SecurityScheme(SecurityBase):
    """Describe for OpenAPI how a token is sent; `Access` checks it."""

    def __init__(self, scheme: str, description: str) -> None:
        self.model = HTTPBase(scheme=scheme, description=description)
        self.scheme_name = f"breakerd_{scheme}"

    async def __call__(self) -> None:
        """Do nothing."""


BEARER: Final = SecurityScheme(
    "bearer", "The full token, set or made; for GET also the read token."
)
BASIC: Final = SecurityScheme("basic", "A token as the password, with any user name.")


def _why_remote(request: Request) -> str | None:
    """Return the reason to take the request as one of another machine; None if there is none."""
    client = _client(request)
    if not is_loopback(client):
        return f"the request comes from {client}"
    if sign := proxy_sign(request):
        return f"the request came through a proxy ({sign})"
    host = request.headers.get("host", "")
    named = host_and_port(f"http://{host}")
    if named is None or not is_loopback(named[0]):
        return f"its Host is {host!r}"
    return None


def _only_asks(request: Request) -> bool:
    """Return True if the request changes nothing, and presents no token."""
    return request.method in _SAFE_METHODS and "authorization" not in request.headers


def _presented(headers: Headers) -> bytes:
    """Return the token in the request; empty if there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    credentials = value.strip(" \t").encode("latin-1")  # bytes: no other one is a blank
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _matches(token: SecretStr | None, presented: bytes) -> bool:
    expected = hashlib.sha256(token.get_secret_value().encode()).digest() if token else _NOBODY
    return hmac.compare_digest(expected, hashlib.sha256(presented).digest())


def _client(request: Request) -> str:
    return request.client.host if request.client else "an unknown address"


def _actor(right: str, request: Request) -> Actor:
    reason = request.query_params.get("reason", "") or _header(request, REASON_HEADER)
    return Actor(
        right,
        _client(request),
        _header(request, USER_HEADER)[:_MAX_USER],
        printable(reason.strip())[:_MAX_REASON],
        _header(request, CLIENT_HEADER)[:_MAX_USER],
    )


def _header(request: Request, name: str) -> str:
    """Return what the client says in a header, on one line; empty if it says nothing."""
    raw = request.headers.get(name, "").encode("latin-1")
    return printable(raw.decode(errors="replace").strip())
