"""Counts of a tick by the candidate's own limits, where these are other ones."""

from dataclasses import replace
from typing import Self

from breakerd.breaker.calls.outcome import CallOutcome
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.engine.engine import Engine


class OwnCounts:
    """Counts what is late for the candidate, for its limiter and its service level.

    Not thread-safe.

    Args:
        engine: engine of the candidate.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._begin()

    @classmethod
    def of(cls, candidate: Engine, active: Engine) -> Self | None:
        """Return counts for a candidate; None if those of the settings in force serve as well."""
        same = (candidate.useful_time, candidate.slow_after) == (
            active.useful_time,
            active.slow_after,
        )
        settings = candidate.settings
        return None if same or not (settings.slo or settings.limiter.enabled) else cls(candidate)

    def count(self, seconds: float, outcome: CallOutcome, *, counted: bool) -> None:
        """Count a call that the candidate has judged; `counted` is what its engine has answered."""
        late = seconds > self._engine.useful_time
        if outcome is CallOutcome.ERROR:
            self._errors += 1
        elif outcome is CallOutcome.ABANDONED and not late:
            if not counted:
                return
            self._abandoned += 1
        elif late:
            self._late += 1
        else:
            return
        self._failed_seconds += seconds

    def replaced(self, delta: CallDelta) -> CallDelta:
        """Return the calls of a tick with these counts, and begin anew."""
        own = replace(
            delta,
            errors=self._errors,
            late=self._late,
            abandoned=self._abandoned,
            failed_duration=min(self._failed_seconds, delta.duration),
        )
        self._begin()
        return own

    def _begin(self) -> None:
        self._errors = self._late = self._abandoned = 0
        self._failed_seconds = 0.0
