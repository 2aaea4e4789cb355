"""HTTP client of all receivers: limited in time, one attempt a call, each failure classified."""

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from breakerd.alerts.receivers.base import (
    InvalidRequestError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from breakerd.alerts.receivers.connection.request_deadline import RequestDeadline
from breakerd.alerts.receivers.connection.spare_backend import use_spares
from breakerd.alerts.receivers.connection.spare_sockets import SpareSockets
from breakerd.alerts.receivers.log_filter import suppress_request_logs
from breakerd.breaker._version import __version__
from breakerd.breaker.fork import renew_after_fork

_DEFAULT_PAUSE: Final = 60.0
"""Seconds to pause if a receiver asks for a pause without saying how long."""
_MIN_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 3600.0
_MAX_CONNECT: Final = 5.0
"""Maximum number of seconds to wait for a connection."""
_MAX_RESPONSE: Final = 1_000_000
"""Maximum number of bytes of a response."""
_MAX_ERROR_TEXT: Final = 200
"""Maximum number of characters quoted from an error response."""
_MIN_SECRET: Final = 8
"""Minimum number of characters of a secret; shorter text may occur in any sentence."""
_PAUSE_HEADERS: Final = ("Retry-After", "X-RateLimit-Period-In-Sec")
_INVALID: Final = {400, 409, 410, 413, 414, 415, 422}
"""Statuses of a request that will never be accepted in this form."""
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL)
"""Errors raised before a request is sent."""
_PORTS: Final = {"http": 80, "https": 443}
_BODY_HEADERS: Final = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers that describe how a body was transferred."""


class NotFoundError(UnavailableError):
    """Status 404: the resource does not exist yet, or the address is wrong."""


class HttpClient:
    """Connections to one receiver. For one thread; a forked child has a copy of none of them.

    Args:
        timeout: maximum seconds of a request, including its response.
        headers: sent with each request; secrets in them appear in no error.
        auth: user and password of Basic authentication.
        secrets: further texts that must not appear in an error, even if the receiver repeats them.
    """

    def __init__(
        self,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self._timeout = timeout
        self._secrets = [secret for secret in secrets if secret]
        self._deadline = RequestDeadline(timeout)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(_MAX_CONNECT, timeout)),
            headers={"User-Agent": f"breakerd/{__version__}", **(headers or {})},
            auth=auth,
            follow_redirects=False,
        )
        self._spares: SpareSockets | None = None
        renew_after_fork(self)

    def keep_ready(self, url: str) -> None:
        """Keep sockets for the host of `url`, for when the process has no descriptor left.

        Behind a proxy, and for a URL that cannot be parsed, nothing is kept.
        """
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL:
            return
        port = parts.port or _PORTS.get(parts.scheme)
        if self._spares is None and parts.host and port:
            self._spares = SpareSockets(parts.host, port)
            if use_spares(self._client, self._spares):
                self._spares.start()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Return the response to one request, read in full, if it is successful.

        Raises:
            DeliveryError: one of its subclasses.
        """
        response = self.request_raw(method, url, **options)
        _raise_for_status(response)
        return response

    def request_raw(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Return the response to one request, read in full, whatever its status.

        Raises:
            UnavailableError: there is none.
        """
        with self._deadline, suppress_request_logs():
            return self._send(method, url, options)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        if self._spares is not None:
            self._spares.close()

    def after_fork(self) -> None:
        """Close the child's copies of connections: with them, a receiver waits for the child, too.

        Not by `close`, which waits for locks that threads of the parent may have held.
        """
        self._deadline.drop_connection()
        if self._spares is not None:
            self._spares.drop()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        extensions = {"trace": self._deadline.trace}
        try:
            with self._client.stream(method, url, extensions=extensions, **options) as response:
                content = _read(response)
                status, headers = response.status_code, response.headers
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(error) from None
        if self._deadline.passed:
            raise UnavailableError(self._timeout_text(), slow=True)
        plain = {name: value for name, value in headers.items() if name not in _BODY_HEADERS}
        return httpx.Response(status, headers=plain, content=self._without_secrets(content))

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            self._describe(error),
            maybe_applied=not isinstance(error, _NOT_SENT),
            slow=self._deadline.passed or isinstance(error, httpx.TimeoutException),
        )

    def _describe(self, error: Exception) -> str:
        if self._deadline.passed:
            return self._timeout_text()
        kind = type(error).__name__
        if isinstance(error, httpx.InvalidURL | httpx.LocalProtocolError):
            # Their text quotes the address or header, which may be a secret.
            return kind
        return f"{kind}: {error}"

    def _timeout_text(self) -> str:
        return f"no complete response within {self._timeout:g} s"

    def _without_secrets(self, content: bytes) -> bytes:
        for secret in self._secrets:
            content = content.replace(secret.encode(), b"***")
        return content


def url_secrets(url: str) -> list[str]:
    """Return the parts of `url` that let anybody post there: all but the host."""
    parts = urlsplit(url)
    secrets = (parts.path.strip("/"), parts.query, parts.password)
    return [secret for secret in secrets if secret and len(secret) >= _MIN_SECRET]


def json_object(response: httpx.Response, key: str | None = None) -> dict[str, Any]:
    """Return the JSON object of a response.

    Args:
        response: the response.
        key: what is needed from it; None if any object shows that the API, and no proxy, answered.

    Raises:
        UnavailableError: the response is something else; the request may have been applied.
    """
    body = _json(response)
    if not isinstance(body, dict) or (key is not None and key not in body):
        raise UnavailableError(f"{response.status_code}: {error_text(response)}")
    return body


def objects(values: object) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; none if it is something else."""
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def retry_after(response: httpx.Response) -> float:
    """Return the requested pause in seconds, from 1 to 3,600.

    It is the longer of `Retry-After` and OpsGenie's own header; without either, 60.
    """
    known = _requested_pauses(response)
    return min(_MAX_PAUSE, max(_MIN_PAUSE, *known)) if known else _DEFAULT_PAUSE


def error_text(response: httpx.Response) -> str:
    """Return the receiver's own description of an error, at most 200 characters."""
    body = _json(response)
    if isinstance(body, dict):
        errors = body.get("errors")
        each = errors if isinstance(errors, list) else []
        titles = [error.get("title") if isinstance(error, dict) else error for error in each]
        if texts := [str(text) for text in (body.get("message"), *titles) if text]:
            return ": ".join(texts)[:_MAX_ERROR_TEXT]
    return repr(response.text[:80])


def _read(response: httpx.Response) -> bytes:
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _MAX_RESPONSE:
            raise UnavailableError("response exceeds 1 MB")
    return content


def _raise_for_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimitedError(retry_after(response))
    if status == httpx.codes.SERVICE_UNAVAILABLE and _requested_pauses(response):
        raise RateLimitedError(retry_after(response), maybe_applied=True)
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise UnauthorizedError(f"{status}: {error_text(response)}")
    if status == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"404: {error_text(response)}", maybe_applied=False)
    if status in _INVALID:
        raise InvalidRequestError(f"{status}: {error_text(response)}")
    if not response.is_success:
        raise UnavailableError(f"{status}: {error_text(response)}")


def _requested_pauses(response: httpx.Response) -> list[float]:
    headers = response.headers
    pauses = [_seconds(headers[name]) for name in _PAUSE_HEADERS if name in headers]
    return [seconds for seconds in pauses if seconds is not None]


def _seconds(value: str) -> float | None:
    """Return the seconds of a header that holds seconds or a date; None if it holds neither."""
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return None if math.isnan(seconds) else seconds
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
