"""The cheapest conceivable breaker: methods that do nothing. Everything is compared with it."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from benchmarks.harness import call_forms
from benchmarks.harness.comparison import Candidate, NoCheck, Row
from benchmarks.harness.timed_loop import coroutine, plain

P = ParamSpec("P")
R = TypeVar("R")

NOOP: Final = "the no-op pair"
ASYNC_NOOP: Final = "the async no-op pair"

ROW: Final = Row(NOOP, NOOP, "", note=call_forms.NOOP.strip().replace("\n", "; "))


def candidate() -> Candidate:
    """Return the no-op pair around a function that does nothing."""
    return Candidate(NOOP, plain(call_forms.NOOP, **names()), NoCheck())


def async_candidate(runner: asyncio.Runner) -> Candidate:
    """Return the no-op pair around an awaited coroutine that does nothing."""
    loop = coroutine(runner, call_forms.ASYNC_NOOP, **{**names(), "f": nothing_async})
    return Candidate(ASYNC_NOOP, loop, NoCheck())


def names() -> dict[str, object]:
    """Return the values of the names in `call_forms.NOOP`."""
    return {"e": NoopPair(), "clock": time.perf_counter_ns, "f": nothing}


class NoopPair:
    """Two methods that do nothing."""

    def allow(self) -> None:
        """Do nothing."""

    def done(self, start: float, end: float) -> None:
        """Do nothing."""


class NoopBreaker:
    """Methods with the signatures of our breaker that do nothing."""

    def __init__(self) -> None:
        self.clock = time.monotonic

    def allow(self) -> bool:
        """Return True."""
        return True

    def done(self, start: float, end: float, *, error: bool = False) -> None:
        """Do nothing."""

    def reject(self) -> None:
        """Raise the simplest error there is."""
        raise NoopError

    def guard(self) -> "NoopGuard":
        """Return a context manager that calls `allow` and `done`, and does nothing else."""
        return NoopGuard(self)

    def __call__(self, fn: Callable[P, R]) -> Callable[P, R]:
        """Return `fn` wrapped in `allow` and `done`."""

        @functools.wraps(fn)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            self.allow()
            start = self.clock()
            try:
                return fn(*args, **kwargs)
            finally:
                self.done(start, self.clock())

        return guarded


class NoopGuard:
    """A context manager around `allow` and `done` of a breaker that does nothing."""

    __slots__ = ("_breaker", "_start")

    def __init__(self, breaker: NoopBreaker) -> None:
        self._breaker = breaker

    def __enter__(self) -> None:
        self._breaker.allow()
        self._start = self._breaker.clock()

    def __exit__(self, *exception: object) -> None:
        self._breaker.done(self._start, self._breaker.clock())


class NoopError(Exception):
    """A rejection without a message."""


def nothing() -> None:
    """Do nothing: the guarded function."""


async def nothing_async() -> None:
    """Do nothing: the guarded coroutine."""
