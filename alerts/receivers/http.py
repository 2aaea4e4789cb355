"""HTTP as all receivers need it: bounded in time, one attempt a call, each failure named."""

import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from breakerd.alerts.receivers.base import (
    PausedError,
    RefusedError,
    RejectedError,
    UnavailableError,
)
from breakerd.alerts.receivers.log_filter import unlogged
from breakerd.alerts.receivers.request_deadline import Deadline
from breakerd.breaker._version import __version__

_DEFAULT_PAUSE: Final = 60.0
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3600.0
_LONGEST_CONNECT: Final = 5.0
_LONGEST_ANSWER: Final = 1_000_000
"""Bytes; a receiver's answer is small."""
_LONGEST_WORDS: Final = 200
_SHORTEST_SECRET: Final = 8
"""Characters; what is shorter may be in any sentence."""
_PAUSES: Final = ("Retry-After", "X-RateLimit-Period-In-Sec")
_REJECTED: Final = {400, 409, 410, 413, 414, 415, 422}
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL)
_OF_THE_BODY: Final = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers that speak of how a body was sent."""


class NotFoundError(UnavailableError):
    """404: what was asked for is not there yet, or the address is wrong."""


class HttpClient:
    """Connections to one receiver. For one thread.

    Args:
        timeout: seconds that a request may take in all, its answer included.
        headers: sent with each request; what is secret in them is in no error.
        auth: name and password, if the receiver wants them.
        secrets: what else must not be in an error, even if the receiver repeats it.
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
        self._deadline = Deadline(timeout)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(_LONGEST_CONNECT, timeout)),
            headers={"User-Agent": f"breakerd/{__version__}", **(headers or {})},
            auth=auth,
            follow_redirects=False,
        )

    def ask(self, method: str, url: str, **request: Any) -> httpx.Response:
        """The answer to one request, read in full, if it is a good one.

        Raises:
            DeliveryError: one of its kinds.
        """
        answer = self.hear(method, url, **request)
        _check(answer)
        return answer

    def hear(self, method: str, url: str, **request: Any) -> httpx.Response:
        """The answer to one request, read in full, whatever it says.

        Raises:
            UnavailableError: there is none.
        """
        with self._deadline, unlogged():
            return self._answer(method, url, request)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _answer(self, method: str, url: str, request: dict[str, Any]) -> httpx.Response:
        extensions = {"trace": self._deadline.watch}
        try:
            with self._client.stream(method, url, extensions=extensions, **request) as response:
                content = _read(response)
                status, headers = response.status_code, response.headers
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unavailable(error) from None
        if self._deadline.passed:
            raise UnavailableError(self._too_slow(), slow=True)
        plain = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
        return httpx.Response(status, headers=plain, content=self._without_secrets(content))

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(
            self._sentence(error),
            maybe_taken=not isinstance(error, _NOT_SENT),
            slow=self._deadline.passed or isinstance(error, httpx.TimeoutException),
        )

    def _sentence(self, error: Exception) -> str:
        if self._deadline.passed:
            return self._too_slow()
        kind = type(error).__name__
        if isinstance(error, httpx.InvalidURL | httpx.LocalProtocolError):
            # They show the address, or the header, that they do not like.
            return kind
        return f"{kind}: {error}"

    def _too_slow(self) -> str:
        return f"no whole answer within {self._timeout:g} s"

    def _without_secrets(self, content: bytes) -> bytes:
        for secret in self._secrets:
            content = content.replace(secret.encode(), b"***")
        return content


def secrets_of(url: str) -> list[str]:
    """What in an address lets whoever knows it post there: all but the host."""
    parts = urlsplit(url)
    secrets = (parts.path.strip("/"), parts.query, parts.password)
    return [secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET]


def answer_of(response: httpx.Response, key: str) -> dict[str, Any]:
    """The JSON object of an answer, in which `key` must be.

    Raises:
        UnavailableError: it is something else; the request may have been taken all the same.
    """
    answer = _json(response)
    if not isinstance(answer, dict) or key not in answer:
        raise UnavailableError(f"{response.status_code}: {words_of(response)}")
    return answer


def _read(response: httpx.Response) -> bytes:
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            raise UnavailableError("the answer is too long")
    return content


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise PausedError(pause_of(response))
    if status == httpx.codes.SERVICE_UNAVAILABLE and _asked_pauses(response):
        raise PausedError(pause_of(response), maybe_taken=True)
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise RefusedError(f"{status}: {words_of(response)}")
    if status == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"404: {words_of(response)}", maybe_taken=False)
    if status in _REJECTED:
        raise RejectedError(f"{status}: {words_of(response)}")
    if not response.is_success:
        raise UnavailableError(f"{status}: {words_of(response)}")


def pause_of(response: httpx.Response) -> float:
    """How long to be quiet: the longest that Retry-After or OpsGenie's own header asks for."""
    known = _asked_pauses(response)
    return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, *known)) if known else _DEFAULT_PAUSE


def _asked_pauses(response: httpx.Response) -> list[float]:
    asked = [_seconds(response.headers[name]) for name in _PAUSES if name in response.headers]
    return [seconds for seconds in asked if seconds is not None]


def _seconds(value: str) -> float | None:
    """Seconds of a header that holds seconds or a date; None if it holds neither."""
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


def words_of(response: httpx.Response) -> str:
    """What the receiver says is wrong; each has its own form."""
    answer = _json(response)
    if isinstance(answer, dict):
        errors = answer.get("errors")
        each = errors if isinstance(errors, list) else []
        titles = [error.get("title") if isinstance(error, dict) else error for error in each]
        if said := [str(words) for words in (answer.get("message"), *titles) if words]:
            return ": ".join(said)[:_LONGEST_WORDS]
    return repr(response.text[:80])


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
