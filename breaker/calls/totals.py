"""What calls did since the last look, as differences of counters that only grow."""

from dataclasses import dataclass, field
from typing import Final

from breakerd.breaker.calls.window import CallWindow

SAMPLE: Final = 256
"""At most so many durations are looked at per batch, the newest."""


@dataclass(frozen=True, slots=True)
class Totals:
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
class Batch(Totals):
    """Calls since the last batch.

    Attributes:
        in_flight: calls under way now.
        durations: seconds of some of the calls that ended, the newest.
    """

    in_flight: int = 0
    durations: list[float] = field(default_factory=list)


class Feed:
    """Makes batches of totals. Not thread-safe."""

    __slots__ = ("_before", "_seen")

    def __init__(self) -> None:
        self._before = Totals()
        self._seen = 0

    def batch(self, totals: Totals, window: CallWindow, in_flight: int) -> Batch:
        """What came since the last time; durations are taken from the window."""
        before, self._before = self._before, totals
        seen, self._seen = self._seen, window.ended
        ended = totals.ended - before.ended
        # The window also takes in calls of a snapshot or a drill, which nobody reported.
        newest = max(0, min(ended, window.ended - seen, SAMPLE))
        return Batch(
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
