"""HTTP as all receivers need it: bounded in time, one attempt a call, each failure named."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from alerts.sinks.protocol import (
    PausedError,
    RefusedError,
    RejectedError,
    UnavailableError,
)
from breaker import __version__

_DEFAULT_PAUSE: Final = 60.0
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3600.0
_LONGEST_ANSWER: Final = 1_000_000
"""Bytes; a receiver's answer is small."""
_PAUSES: Final = ("Retry-After", "X-RateLimit-Period-In-Sec")
_REJECTED: Final = {400, 409, 410, 413, 414, 415, 422}


class NotFoundError(UnavailableError):
    """404: what was asked for is not there yet, or the address is wrong."""


class HttpClient:
    """Connections to one receiver. For one thread.

    Args:
        timeout: seconds that a request may take in all, its answer included.
        headers: sent with each request; what is secret in them is in no error.
        auth: name and password, if the receiver wants them.
    """

    def __init__(
        self,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> None:
        self._timeout = timeout
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            headers={"User-Agent": f"breakerd/{__version__}", **(headers or {})},
            auth=auth,
            follow_redirects=False,
        )

    def ask(self, method: str, url: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """The answer to one request, read in full, if it is a good one.

        Raises:
            DeliveryError: one of its kinds.
        """
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream(method, url, **request) as response:
                content = _read(response, deadline)
                status, received = response.status_code, _plain(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
            slow = isinstance(error, httpx.TimeoutException)
            raise UnavailableError(_sentence(error), maybe_taken=False, slow=slow) from None
        except httpx.HTTPError as error:
            slow = isinstance(error, httpx.TimeoutException)
            raise UnavailableError(_sentence(error), slow=slow) from None
        answer = httpx.Response(status, headers=received, content=content)
        _check(answer)
        return answer

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def answer_of(response: httpx.Response, key: str) -> dict[str, Any]:
    """The JSON object of an answer, in which `key` must be.

    Raises:
        UnavailableError: it is something else; the request may have been taken all the same.
    """
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or key not in answer:
        raise UnavailableError(f"{response.status_code}: {_words(response)}")
    return answer


def _read(response: httpx.Response, deadline: float) -> bytes:
    """The body; time-outs of single reads do not bound what a slow receiver takes in all."""
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if time.monotonic() > deadline or len(content) > _LONGEST_ANSWER:
            raise UnavailableError("the answer takes too long, or is too long", slow=True)
    return content


def _plain(response: httpx.Response) -> dict[str, str]:
    """The headers, without those that speak of how the body was sent."""
    of_body = {"content-encoding", "content-length", "transfer-encoding"}
    return {name: value for name, value in response.headers.items() if name not in of_body}


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise PausedError(pause_of(response))
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise RefusedError(f"{status}: {_words(response)}")
    if status == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"404: {_words(response)}", maybe_taken=False)
    if status in _REJECTED:
        raise RejectedError(f"{status}: {_words(response)}")
    if not response.is_success:
        raise UnavailableError(f"{status}: {_words(response)}")


def pause_of(response: httpx.Response) -> float:
    """How long to be quiet: the longest that Retry-After or OpsGenie's own header asks for."""
    asked = [_seconds(response.headers[name]) for name in _PAUSES if name in response.headers]
    known = [seconds for seconds in asked if seconds is not None]
    return min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, *known)) if known else _DEFAULT_PAUSE


def _seconds(value: str) -> float | None:
    """Seconds of a header that holds seconds or a date; None if it holds neither."""
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _words(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return repr(response.text[:80])
