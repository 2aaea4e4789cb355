"""What a replay found, as frozen data: for the whole trace, and for each configuration."""

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
"""To be told with every report."""


@dataclass(frozen=True, slots=True)
class ReplayTrip:
    """An outage, as the breaker would have made it: from closed to open, and back.

    Moments are in the time of the trace, in seconds.

    Attributes:
        at: when it opened.
        reason: what opened it ("latency", "errors", "memory", "failure_streak").
        evidence: what it was based on, in sentences.
        bad_since: start of the first bad call of the spell that led to it, or of the oldest call
            under way if none had ended; None where no call was bad, as with memory.
        closed_at: when all calls passed again; None if never within the trace.
        failed_recoveries: how often it opened again before.
    """

    at: float
    reason: str
    evidence: tuple[str, ...]
    bad_since: float | None
    closed_at: float | None = None
    failed_recoveries: int = 0

    @property
    def time_to_detect(self) -> float | None:
        """Seconds from the first bad call's start to the trip."""
        return None if self.bad_since is None else max(0.0, self.at - self.bad_since)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state."""

    state: State
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Calls by what was recorded of them.

    A call is good if it did not fail, and was not slower than the configuration allows: than
    `latency_threshold`, or than the time-out of `[slo]`, whichever is less.
    """

    good: int = 0
    slow: int = 0
    """Did not fail, but took too long."""
    failed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.good + self.slow + self.failed

    @property
    def bad(self) -> int:
        """Slow and failed ones."""
        return self.slow + self.failed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one configuration would have done.

    Attributes:
        label: its name for people.
        settings: the configuration.
        trips: the first trips, in full.
        trip_count: all trips.
        rejected: the calls that it would have rejected.
        admitted: the calls that it would have let pass.
        held_back: how many of the rejected were so while it was neither open nor half open: by the
            concurrency limit, or because memory was short at that moment.
        seconds: time in each state.
        spans: the first stretches of time, in order.
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
        """Share of the time in which no call passed."""
        return self._share(State.OPEN, State.FORCED_OPEN)

    @property
    def half_open_share(self) -> float:
        """Share of the time in which some calls passed."""
        return self._share(State.HALF_OPEN)

    @property
    def times_to_detect(self) -> list[float]:
        """Seconds, of those trips of which it is known."""
        return [t for trip in self.trips if (t := trip.time_to_detect) is not None]

    @property
    def median_time_to_detect(self) -> float | None:
        """Seconds; None if it is known of no trip."""
        return median(self.times_to_detect) if self.times_to_detect else None

    def _share(self, *states: State) -> float:
        every = sum(self.seconds.values())
        return sum(self.seconds.get(state, 0.0) for state in states) / every if every else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay found.

    Attributes:
        calls: calls in the trace.
        errors: those recorded as failed.
        began: start of the first call, in the trace's own time.
        ended: end of the last one.
        outcomes: one for each configuration, in the order in which they were given.
        bins: the trace over time, and what each configuration did, from `began` on.
        bin_width: seconds of a bin.
    """

    calls: int
    errors: int
    began: float
    ended: float
    outcomes: tuple[Outcome, ...]
    bins: Sequence[Bin]
    bin_width: float

    @property
    def seconds(self) -> float:
        """How long the trace is."""
        return self.ended - self.began

    def percentiles(self, *shares: float) -> list[float]:
        """Percentiles of all durations, in seconds, to 1 %; `shares` rise, each from 0 to 1."""
        every = Sketch()
        for each in self.bins:
            every.merge(each.latency)
        return every.percentiles(shares)
