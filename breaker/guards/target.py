"""The breaker as guards see it."""

from collections.abc import Callable
from typing import Protocol

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.errors import BreakerOpenError
from breakerd.breaker.guards.rules import Rules
from breakerd.breaker.settings import Settings


class GuardTarget(Protocol):
    """Methods of a breaker that a guard calls."""

    name: str
    rules: Rules

    @property
    def settings(self) -> Settings:
        """Settings in force."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Clock of the breaker, in seconds."""
        ...

    def allow(self) -> bool:
        """Return True if the call may proceed."""
        ...

    def done(self, start: float, end: float, error: bool = False) -> None:
        """Report the call."""
        ...

    def abandon(self, start: float, end: float | None = None) -> None:
        """Report the call as given up by its caller."""
        ...

    def rejection(self) -> BreakerOpenError:
        """Return the error that explains a rejection."""
        ...


def report(breaker: GuardTarget, start: float, end: float, outcome: CallOutcome) -> None:
    """Report a call by its outcome."""
    if outcome is CallOutcome.ABANDONED:
        breaker.abandon(start, end)
    else:
        breaker.done(start, end, error=outcome is CallOutcome.ERROR)


def report_exception(
    breaker: GuardTarget, start: float, end: float, rules: Rules, error: BaseException
) -> None:
    """Report a call that raised `error`, whatever the rules raise meanwhile."""
    outcome = CallOutcome.ERROR
    try:
        outcome = rules.judge(error)
    finally:
        report(breaker, start, end, outcome)
