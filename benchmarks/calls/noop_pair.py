"""The cheapest that a breaker could be: methods that do nothing. All else is compared with it."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from benchmarks.calls.comparison import Contestant, Row, Unwatched
from benchmarks.calls.timed_loop import coroutine, plain

P = ParamSpec("P")
R = TypeVar("R")

EMPTY: Final = "the empty pair"
ASYNC_EMPTY: Final = "the async empty pair"
BODY: Final = """
e.allow()
start = clock()
f()
e.done(start, clock())
"""
"""A call between the two; `clock` is `time.perf_counter_ns`."""

ASYNC_BODY: Final = BODY.replace("f()", "await f()")

ROW: Final = Row(EMPTY, EMPTY, "", note=BODY.strip().replace("\n", "; "))


def contestant() -> Contestant:
    """The empty pair."""
    return Contestant(EMPTY, plain(BODY, **names()), Unwatched())


def async_contestant(runner: asyncio.Runner) -> Contestant:
    """The empty pair around an awaited coroutine that does nothing."""
    loop = coroutine(runner, ASYNC_BODY, **{**names(), "f": nothing_async})
    return Contestant(ASYNC_EMPTY, loop, Unwatched())


def names() -> dict[str, object]:
    """What `BODY` names."""
    return {"e": EmptyPair(), "clock": time.perf_counter_ns, "f": nothing}


class EmptyPair:
    """Two methods that do nothing."""

    def allow(self) -> None:
        """Nothing."""

    def done(self, start: float, end: float) -> None:
        """Nothing."""


class EmptyBreaker:
    """Methods that do nothing, and have the signatures of ours."""

    def __init__(self) -> None:
        self.clock = time.monotonic

    def allow(self) -> bool:
        """Yes."""
        return True

    def done(self, start: float, end: float, *, error: bool = False) -> None:
        """Nothing."""

    def reject(self) -> None:
        """Raises an error of the simplest kind."""
        raise EmptyError

    def guard(self) -> "EmptyGuard":
        """A guard that does nothing but the empty pair."""
        return EmptyGuard(self)

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """The function in the empty pair."""

        @functools.wraps(fn)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            self.allow()
            start = self.clock()
            try:
                return fn(*args, **kwargs)
            finally:
                self.done(start, self.clock())

        return guarded


class EmptyGuard:
    """A context manager around the empty pair."""

    __slots__ = ("_breaker", "_start")

    def __init__(self, breaker: EmptyBreaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._breaker.allow()
        self._start = self._breaker.clock()

    def __exit__(self, *exception: object) -> None:
        self._breaker.done(self._start, self._breaker.clock())


class EmptyError(Exception):
    """Says nothing."""


def nothing() -> None:
    """The guarded function."""


async def nothing_async() -> None:
    """The guarded coroutine."""
