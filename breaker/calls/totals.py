"""What calls did since the last look, as differences of counters that only grow."""

from dataclasses import dataclass, field
from typing import Final

from breakerd.breaker.calls.window import SlidingWindow

MAX_DURATIONS: Final = 256
"""At most so many durations are looked at per batch, the newest."""


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Calls of one breaker since it was made.

    Attributes:
        admitted: let through.
        rejected: not let through.
        ended: reported.
        errors: reported as failed.
        late: reported as good, but after the stated time-out.
        duration: seconds that all reported calls took together.
        failed_duration: seconds that the failed and the late ones took.
    """

    admitted: int = 0
    rejected: int = 0
    ended: int = 0
    errors: int = 0
    late: int = 0
    duration: float = 0.0
    failed_duration: float = 0.0


@dataclass(frozen=True, slots=True)
class CallDelta(CallTotals):
    """Calls since the last batch.

    Attributes:
        in_flight: calls under way now.
        durations: seconds of some of the calls that ended, the newest.
    """

    in_flight: int = 0
    durations: list[float] = field(default_factory=list)


class DeltaReader:
    """Makes batches of totals. Not thread-safe."""

    __slots__ = ("_previous", "_previous_window_total")

    def __init__(self) -> None:
        self._previous = CallTotals()
        self._previous_window_total = 0

    def read(self, totals: CallTotals, window: SlidingWindow, in_flight: int) -> CallDelta:
        """What came since the last time; durations are taken from the window."""
        before, self._previous = self._previous, totals
        seen, self._previous_window_total = self._previous_window_total, window.total
        ended = totals.ended - before.ended
        # The window also takes in calls of a snapshot or a drill, which nobody reported.
        newest = max(0, min(ended, window.total - seen, MAX_DURATIONS))
        return CallDelta(
            admitted=totals.admitted - before.admitted,
            rejected=totals.rejected - before.rejected,
            ended=ended,
            errors=totals.errors - before.errors,
            late=totals.late - before.late,
            duration=totals.duration - before.duration,
            failed_duration=totals.failed_duration - before.failed_duration,
            in_flight=in_flight,
            durations=window.durations(newest) if newest else [],
        )
