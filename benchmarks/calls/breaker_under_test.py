"""Our breaker as a candidate: its state and counters are verified around each measurement."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from benchmarks.harness.call_forms import ALLOW_DONE
from benchmarks.harness.comparison import Candidate, WrongStateError
from benchmarks.harness.noop_pair import nothing, nothing_async
from benchmarks.harness.timed_loop import coroutine, plain
from breakerd import Breaker, Counters, Settings, State


class BreakerUnderTest(AbstractContextManager["BreakerUnderTest"]):
    """A breaker and its expected state; a context manager that closes it.

    It is also the check of its candidates (see `StateCheck`).

    Args:
        breaker: the breaker, or its settings; the default settings if None.
        state: expected state before and after each measurement.
        fill: number of calls made beforehand, so that the window is full.
        prepare: called after them; brings the breaker to `state`.
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

    def candidate(self, name: str, body: str = ALLOW_DONE, **names: object) -> Candidate:
        """Return itself as `name`, in a loop of `body` with `names` beside those of `names()`."""
        return Candidate(name, plain(body, **{**self.names(), **names}), self)

    def async_candidate(
        self, runner: asyncio.Runner, name: str, body: str, **names: object
    ) -> Candidate:
        """Return the same for a `body` that awaits; there, `f` is a coroutine function."""
        given = {**self.names(), "f": nothing_async, **names}
        return Candidate(name, coroutine(runner, body, **given), self)

    def names(self) -> dict[str, object]:
        """Return the values of the names in `call_forms.ALLOW_DONE`."""
        return {"b": self.breaker, "clock": self.breaker.clock, "f": nothing}

    def begin(self) -> None:
        """Verify the state, and note the counters."""
        self._require_state()
        self._before = self.breaker.counters()

    def flush(self) -> None:
        """Read the counters, for which the breaker evaluates all calls logged so far."""
        self.breaker.counters()

    def end(self, calls: int) -> None:
        """Verify the state, and that the counters grew by exactly `calls`."""
        self._require_state()
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

    def _require_state(self) -> None:
        if self.breaker.state is not self.state:
            raise WrongStateError(f"{self.breaker} is not {self.state}")


def enter_all(
    stack: ExitStack, subjects: dict[str, BreakerUnderTest]
) -> dict[str, BreakerUnderTest]:
    """Return `subjects`, which `stack` closes."""
    for subject in subjects.values():
        stack.enter_context(subject)
    return subjects


def _ended(counters: Counters) -> int:
    return counters.success + counters.error
