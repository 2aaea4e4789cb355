"""One breaker in the hands of a test: drive it, and assert what it did."""

import gc
from typing import Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.engine import operator_commands
from breakerd.breaker.events.events import Event, Transition
from breakerd.breaker.states import FORCED_OPEN, OPEN, Reason, State
from breakerd.breaker.testing.doubles import EventLog
from breakerd.breaker.testing.report import describe
from breakerd.breaker.testing.takeover import Takeover

_OPENS: Final = (Reason.MANUAL, Reason.LATENCY, Reason.ERRORS, Reason.FAILURE_STREAK)
"""Reasons for which a test may open a breaker; others would end by themselves at once."""


class BreakerHandle:
    """Drives one breaker, and asserts what it did since the test began.

    A failed assertion is an AssertionError that tells the state, the calls and the events.

    Attributes:
        breaker: the breaker itself.
    """

    def __init__(self, breaker: Breaker, takeover: Takeover) -> None:
        self.breaker = breaker
        self._takeover = takeover

    # --- to bring it into a state

    def open(self, reason: Reason | str = Reason.MANUAL) -> None:
        """Open, as if it had tripped for `reason`: "manual", "latency", "errors", "failure_streak".

        For memory and load, set `breakers.memory` and `breakers.load`. The reason decides how it
        recovers, as outside of tests. No effect if it is open.

        Raises:
            ValueError: no trip by calls or by hand has this reason.
            BreakerStateError: it is disabled, or forced open.
        """
        if reason not in _OPENS:
            raise ValueError(
                f"cannot open for {str(reason)!r}; allowed: {', '.join(_OPENS)}. For memory and "
                "load, set breakers.memory or breakers.load"
            )
        core = self.breaker.machinery.core
        with core.locked() as now:
            operator_commands.trip_for(core.engine, now, Reason(reason))

    def half_open(self) -> None:
        """Open, unless it is open, and end the wait at once: the next calls are probes.

        Raises:
            BreakerStateError: it is disabled, or forced open.
        """
        core = self.breaker.machinery.core
        with core.locked() as now:
            operator_commands.half_open(core.engine, now)

    def close(self) -> None:
        """Close, whatever it was, and forget all calls; ends the operator's overrides, too."""
        self.breaker.enable()

    # --- to make calls

    def succeed(self, calls: int = 1) -> int:
        """Make so many calls that succeed at once; return how many it admitted."""
        return self._call(calls, 0.0, error=False)

    def fail(self, calls: int = 1) -> int:
        """Make so many calls that fail at once; return how many it admitted."""
        return self._call(calls, 0.0, error=True)

    def slow(self, calls: int, seconds: float) -> int:
        """Make calls that succeed and take `seconds` each, one after the other; time passes.

        Return how many it admitted.
        """
        return self._call(calls, seconds, error=False)

    def _call(self, calls: int, seconds: float, *, error: bool) -> int:
        breaker, clock, admitted = self.breaker, self._takeover.clock, 0
        for _ in range(calls):
            if breaker.allow():
                start = clock()
                clock.advance(seconds)
                breaker.done(start, clock(), error=error)
                admitted += 1
        return admitted

    # --- to look at it

    @property
    def state(self) -> State:
        """State that calls meet."""
        return self.breaker.state

    @property
    def counters(self) -> Counters:
        """Calls since the test began, by outcome."""
        return self.breaker.counters()

    @property
    def events(self) -> EventLog:
        """Its events since the test began, in order."""
        return EventLog(e for breaker, e in self._takeover.events if breaker is self.breaker)

    @property
    def transitions(self) -> list[State]:
        """States it went through since the test began; the first is the one it began with."""
        changes = self.events.of(Transition)
        first = changes[0].from_state if changes else self.state
        return [first, *(change.to_state for change in changes)]

    # --- to assert what it did

    def assert_state(self, state: State | str) -> None:
        """Assert its state now."""
        __tracebackhide__ = True
        if self.state is not State(state):
            self._fail(f"is {self.state}, not {state}")

    def assert_opened(self, reason: Reason | str | None = None) -> None:
        """Assert that it opened since the test began; with `reason`, that it did so for it."""
        __tracebackhide__ = True
        reasons = self._opening_reasons()
        if not reasons:
            self._fail("did not open")
        if reason is not None and Reason(reason) not in reasons:
            self._fail(f"did not open for {str(reason)!r}, but for {', '.join(reasons)}")

    def assert_not_opened(self) -> None:
        """Assert that it did not open since the test began."""
        __tracebackhide__ = True
        if reasons := self._opening_reasons():
            self._fail(f"opened for {', '.join(reasons)}")

    def assert_transitions(self, *states: State | str) -> None:
        """Assert all states it went through, with the one it began with: `"CLOSED", "OPEN"`."""
        __tracebackhide__ = True
        wanted = [State(state) for state in states]
        if self.transitions != wanted:
            self._fail(f"went {_path(self.transitions)}, not {_path(wanted)}")

    def assert_calls(
        self,
        *,
        success: int | None = None,
        error: int | None = None,
        abandoned: int | None = None,
        rejected: int | None = None,
        in_flight: int | None = None,
    ) -> None:
        """Assert numbers of calls since the test began, by outcome; what is not given may be any.

        `in_flight` are those allowed and not reported: at the end of a test, 0.
        """
        __tracebackhide__ = True
        wanted = {
            "success": success,
            "error": error,
            "abandoned": abandoned,
            "rejected": rejected,
            "in_flight": in_flight,
        }
        counters = self.counters
        wrong = [
            f"{getattr(counters, outcome)} {outcome}, not {count}"
            for outcome, count in wanted.items()
            if count is not None and getattr(counters, outcome) != count
        ]
        if wrong:
            self._fail(f"had calls: {'; '.join(wrong)}")

    def assert_rejected(self, calls: int | None = None) -> None:
        """Assert that it rejected so many calls since the test began; without a number, any."""
        __tracebackhide__ = True
        if calls is not None:
            self.assert_calls(rejected=calls)
        elif not self.counters.rejected:
            self._fail("rejected no call")

    def assert_events(self, *kinds: type[Event]) -> None:
        """Assert that events of these classes happened in this order; others may lie between."""
        __tracebackhide__ = True
        left = iter(self.events)
        for kind in kinds:
            if not any(isinstance(event, kind) for event in left):
                names = ", ".join(each.__name__ for each in kinds)
                self._fail(f"had no events {names} in this order; missing is {kind.__name__}")

    def _opening_reasons(self) -> list[Reason]:
        changes = self.events.of(Transition)
        return [change.reason for change in changes if change.to_state in {OPEN, FORCED_OPEN}]

    def _fail(self, what: str) -> None:
        __tracebackhide__ = True
        breaker, name = self.breaker, self.breaker.name
        report = describe(breaker, self.events, self._takeover.started_at)
        gc.collect()  # what earlier tests have left is no namesake
        if any(each is not breaker and each.name == name for each in self._takeover.breakers):
            report += f"\nnote: another breaker is named {name!r}, too; breakers[it] takes that one"
        raise AssertionError(f"breaker {name!r} {what}\n{report}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.breaker!r}>"


def _path(states: list[State]) -> str:
    return " -> ".join(states)
