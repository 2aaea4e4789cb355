"""Call totals, and their differences between two ticks."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from breakerd.breaker.calls.window import SlidingWindow

MAX_DURATIONS: Final = 256
"""Maximum number of durations per delta, the newest ones."""


@dataclass(frozen=True, slots=True)
class CallTotals:
    """Totals of the calls of one breaker since its creation.

    Attributes:
        admitted: Calls admitted.
        rejected: Calls rejected.
        ended: Calls reported, those included that were abandoned once they were slow.
        errors: Calls reported as failed.
        late: Calls reported without error, or abandoned, but after the stated time-out.
        abandoned: Abandoned calls that were slow by then, and not late.
        duration: Total seconds of the ended calls.
        failed_duration: Total seconds of the failed, late and abandoned calls.
    """

    admitted: int = 0
    rejected: int = 0
    ended: int = 0
    errors: int = 0
    late: int = 0
    abandoned: int = 0
    duration: float = 0.0
    failed_duration: float = 0.0


@dataclass(frozen=True, slots=True)
class CallDelta(CallTotals):
    """Calls since the last delta.

    Attributes:
        in_flight: Calls in flight now.
        durations: Seconds of the newest calls that ended, at most `MAX_DURATIONS`.
    """

    in_flight: int = 0
    durations: list[float] = field(default_factory=list)


class CallMeter(Protocol):
    """Takes the calls of one breaker, tick by tick."""

    def add(self, now: float, delta: CallDelta, window: SlidingWindow) -> None:
        """Take the calls since the last tick, the newest of which are in the window.

        The window has no calls that began before the last change of state.
        """
        ...


class DeltaReader:
    """Turns growing totals into deltas. Not thread-safe."""

    __slots__ = ("_previous", "_previous_window_total")

    def __init__(self) -> None:
        self._previous = CallTotals()
        self._previous_window_total = 0

    def read(self, totals: CallTotals, window: SlidingWindow, in_flight: int) -> CallDelta:
        """Return the difference from the totals of the last call; durations come from `window`."""
        before, self._previous = self._previous, totals
        seen, self._previous_window_total = self._previous_window_total, window.total
        ended = totals.ended - before.ended
        # The window also contains calls of a snapshot or a drill, which nobody reported.
        newest = max(0, min(ended, window.total - seen, MAX_DURATIONS))
        return CallDelta(
            admitted=totals.admitted - before.admitted,
            rejected=totals.rejected - before.rejected,
            ended=ended,
            errors=totals.errors - before.errors,
            late=totals.late - before.late,
            abandoned=totals.abandoned - before.abandoned,
            duration=totals.duration - before.duration,
            failed_duration=totals.failed_duration - before.failed_duration,
            in_flight=in_flight,
            durations=window.durations(newest) if newest else [],
        )
