"""Build the response to a request that was rejected or ran out of time (RFC 9457)."""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self
from urllib.parse import quote

from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.errors import BreakerOpenError, DeadlineExceeded

REJECTED: Final = "urn:breakerd:problem:rejected"
"""Problem type: a breaker rejected the call, which had no effect."""
TIMED_OUT: Final = "urn:breakerd:problem:timed-out"
"""Problem type: the call did not end in time. Its effects until then remain."""


@dataclass(frozen=True, slots=True)
class ProblemResponse:
    """Complete HTTP response.

    Attributes:
        status: 503 if a breaker rejected the call, 504 if it timed out.
        headers: names and values. `Retry-After` goes with a 503: whole seconds, rounded up, and 1
            if the breaker does not know when it admits calls again.
        body: the problem document as JSON.
    """

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, error: BreakerOpenError | DeadlineExceeded, path: str) -> Self:
        """Return the response to a request for the decoded `path` that ended with `error`."""
        if isinstance(error, BreakerOpenError):
            status, kind = HTTPStatus.SERVICE_UNAVAILABLE, REJECTED
            more = {"breaker": error.breaker, "reason": error.reason}
            waits = {"retry-after": str(max(1, math.ceil(error.retry_after)))}
        else:
            status, kind = HTTPStatus.GATEWAY_TIMEOUT, TIMED_OUT
            more, waits = {}, {}
        document = {
            "type": kind,
            "title": status.phrase,
            "status": status.value,
            "detail": str(error),
            "instance": quote(path),
            **more,
        }
        body = dumps(document, ensure_ascii=True).encode()
        headers = (
            ("content-type", "application/problem+json"),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            *waits.items(),
        )
        return cls(status, headers, body)

    def content(self, method: str) -> bytes:
        """Return what follows the headers: the body, or nothing if the request was a HEAD."""
        return b"" if method == "HEAD" else self.body
