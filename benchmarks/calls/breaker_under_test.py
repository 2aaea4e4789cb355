"""Our breaker as it is measured: in a state that is looked after, with counters that must agree."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from benchmarks.calls.comparison import Contestant, WrongStateError
from benchmarks.calls.noop_pair import nothing, nothing_async
from benchmarks.calls.timed_loop import coroutine, plain
from breakerd import Breaker, Counters, Settings, State

BODY: Final = """
if b.allow():
    start = clock()
    f()
    b.done(start, clock())
"""
"""A call in the form of the empty pair: the clock is bound once, as `perf_counter_ns` is there."""

ASYNC_BODY: Final = BODY.replace("f()", "await f()")


class Subject(AbstractContextManager["Subject"]):
    """A breaker and what is expected of it; a context manager that closes it.

    Args:
        breaker: the breaker, or its settings; the default ones if not given.
        state: the state it is to be in before and after each measurement.
        fill: calls that are made beforehand, so that the window is full.
        prepare: brings it to its state then.
    """

    def __init__(
        self,
        breaker: Breaker | Settings | None = None,
        *,
        state: State = State.CLOSED,
        fill: int = 1000,
        prepare: Callable[[Breaker], object] = repr,
    ) -> None:
        if breaker is None or isinstance(breaker, Settings):
            breaker = Breaker(breaker)
        self.breaker = breaker
        self.state = state
        self._before = self.breaker.counters()
        for _ in range(fill):
            start = self.breaker.clock()
            if self.breaker.allow():
                self.breaker.done(start, self.breaker.clock())
        prepare(self.breaker)

    def __exit__(self, *exception: object) -> None:
        self.breaker.close()

    def contestant(self, name: str, body: str = BODY, **names: object) -> Contestant:
        """Itself as `name`, in a loop of `body`, which finds it as `b` and its clock as `clock`."""
        return Contestant(name, plain(body, **{**self.names(), **names}), self)

    def async_contestant(
        self, runner: asyncio.Runner, name: str, body: str, **names: object
    ) -> Contestant:
        """The same for a `body` that awaits; `f` is a coroutine function there."""
        given = {**self.names(), "f": nothing_async, **names}
        return Contestant(name, coroutine(runner, body, **given), self)

    def names(self) -> dict[str, object]:
        """What `BODY` names."""
        return {"b": self.breaker, "clock": self.breaker.clock, "f": nothing}

    def begin(self) -> None:
        """Notes the counters; see `Watch`."""
        self._must_be_in_state()
        self._before = self.breaker.counters()

    def settle(self) -> None:
        """Asks for the counters, for which all calls must have been taken in."""
        self.breaker.counters()

    def end(self, calls: int) -> None:
        """Compares the counters with the calls that were made; see `Watch`."""
        self._must_be_in_state()
        after = self.breaker.counters()
        rejecting = self.state in {State.OPEN, State.FORCED_OPEN}
        expected = (0, calls, 0) if rejecting else (calls, 0, 0)
        counted = (
            _ended(after) - _ended(self._before),
            after.rejected - self._before.rejected,
            after.in_flight,
        )
        if counted != expected:
            raise WrongStateError(f"ended, rejected, in flight: {counted}, not {expected}")

    def _must_be_in_state(self) -> None:
        if self.breaker.state is not self.state:
            raise WrongStateError(f"{self.breaker} is not {self.state}")


def entered(stack: ExitStack, subjects: dict[str, Subject]) -> dict[str, Subject]:
    """The subjects, which `stack` closes."""
    for subject in subjects.values():
        stack.enter_context(subject)
    return subjects


def _ended(counters: Counters) -> int:
    return counters.success + counters.error
