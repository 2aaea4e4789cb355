"""Views of each host, and the breaker around the host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final, NoReturn

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, Settings
from breakerd.breaker.integrations.problem import ProblemResponse

INCOMING: Final = Breaker(Settings(minimum_calls=1000, wait_time=3600), name="incoming")
UNGUARDED: Final = ("/incoming", "/trip")


def pay() -> NoReturn:
    """Rejected by the breaker around a dependency."""
    raise rejection()


def wait() -> NoReturn:
    """Out of time."""
    raise lateness()


def crash() -> NoReturn:
    raise RuntimeError("on purpose")


def stream() -> Iterator[bytes]:
    """Rejected once the response has begun."""
    yield b"first"
    raise rejection()


async def async_stream() -> AsyncIterator[bytes]:
    for chunk in stream():
        yield chunk


def incoming() -> dict[str, int]:
    """Count the calls that the breaker around the host has seen."""
    counters = INCOMING.counters()
    return {"success": counters.success, "error": counters.error, "rejected": counters.rejected}


def rejection() -> BreakerOpenError:
    return BreakerOpenError("payments", reason="latency", retry_after=2.2)


def lateness() -> DeadlineExceeded:
    return DeadlineExceeded("the payment did not end within 0.8 s")


def promised(error: BreakerOpenError | DeadlineExceeded, path: str) -> ProblemResponse:
    """Return the response that the documentation promises."""
    return ProblemResponse.of(error, path)
