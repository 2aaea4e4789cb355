"""Report of a replay, as frozen data: for the whole trace, and for each configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from breakerd.breaker.replay.ddsketch import Sketch
from breakerd.breaker.replay.timeline import Bin
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import State

CAVEAT = (
    "A replay cannot know how the dependency would have recovered under fewer calls: every "
    "rejected call is judged by what was recorded of it."
)
"""Limitation to be shown with every report."""


@dataclass(frozen=True, slots=True)
class ReplayTrip:
    """Simulated trip: from closed to open, and back.

    Times are in seconds of the trace.

    Attributes:
        at: time it opened.
        reason: reason it opened ("latency", "errors", "memory", "failure_streak").
        evidence: evidence for the trip, as sentences.
        bad_since: start of the first bad call of the run that led to it, or of the oldest call in
            flight if none had ended; None if no call was bad, as with memory.
        closed_at: time all calls were admitted again; None if never within the trace.
        failed_recoveries: number of times it opened again before that.
    """

    at: float
    reason: str
    evidence: tuple[str, ...]
    bad_since: float | None
    closed_at: float | None = None
    failed_recoveries: int = 0

    @property
    def time_to_detect(self) -> float | None:
        """Return seconds from the start of the first bad call to the trip; None if unknown."""
        return None if self.bad_since is None else max(0.0, self.at - self.bad_since)


@dataclass(frozen=True, slots=True)
class Span:
    """Time span in one state; `begin` and `end` in seconds of the trace."""

    state: State
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Number of calls by recorded outcome.

    A call is good if it did not fail, and was not slower than the configuration allows: than
    `latency_threshold`, or than the timeout of `[slo]`, whichever is less.
    """

    good: int = 0
    slow: int = 0
    """Calls that did not fail, but took too long."""
    failed: int = 0
    abandoned: int = 0
    """Calls whose callers gave them up before they were too slow: neither good nor bad."""

    @property
    def total(self) -> int:
        """Return the number of all calls."""
        return self.good + self.slow + self.failed + self.abandoned

    @property
    def bad(self) -> int:
        """Return the number of slow and failed calls."""
        return self.slow + self.failed


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one configuration.

    Attributes:
        label: its display name.
        settings: the configuration.
        trips: the first trips, in full.
        trip_count: number of all trips.
        rejected: calls that it would have rejected.
        admitted: calls that it would have admitted.
        held_back: number of calls rejected while it was neither open nor half open: by the
            concurrency limit, or because memory was at its threshold.
        seconds: seconds in each state.
        spans: the first spans of time, in order.
        final_state: the state at the end of the trace.
    """

    label: str
    settings: Settings
    trips: tuple[ReplayTrip, ...]
    trip_count: int
    rejected: Verdicts
    admitted: Verdicts
    held_back: int
    seconds: Mapping[State, float]
    spans: tuple[Span, ...]
    final_state: State

    @property
    def open_share(self) -> float:
        """Return the share of time in which no call was admitted, 0 to 1."""
        return self._share(State.OPEN, State.FORCED_OPEN)

    @property
    def half_open_share(self) -> float:
        """Return the share of time in which some calls were admitted, 0 to 1."""
        return self._share(State.HALF_OPEN)

    @property
    def times_to_detect(self) -> list[float]:
        """Return the times to detect in seconds, of the trips for which they are known."""
        return [t for trip in self.trips if (t := trip.time_to_detect) is not None]

    @property
    def median_time_to_detect(self) -> float | None:
        """Return the median time to detect in seconds; None if it is known for no trip."""
        return median(self.times_to_detect) if self.times_to_detect else None

    def _share(self, *states: State) -> float:
        every = sum(self.seconds.values())
        return sum(self.seconds.get(state, 0.0) for state in states) / every if every else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a replay.

    Attributes:
        calls: number of calls in the trace.
        errors: number of calls recorded as failed.
        abandoned: number of calls recorded as given up by their callers.
        began: start of the first call, in seconds of the trace.
        ended: end of the last call, in seconds of the trace.
        outcomes: one for each configuration, in the given order.
        bins: the trace, and the result of each configuration, over time from `began` on.
        bin_width: length of a bin in seconds.
    """

    calls: int
    errors: int
    abandoned: int
    began: float
    ended: float
    outcomes: tuple[Outcome, ...]
    bins: Sequence[Bin]
    bin_width: float

    @property
    def seconds(self) -> float:
        """Return the length of the trace in seconds."""
        return self.ended - self.began

    def percentiles(self, *shares: float) -> list[float]:
        """Return percentiles of all durations in seconds, to 1 %; `shares` ascend, each 0 to 1."""
        every = Sketch()
        for each in self.bins:
            every.merge(each.latency)
        return every.percentiles(shares)
