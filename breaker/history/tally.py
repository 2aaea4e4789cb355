"""A slot that is being filled: counts of the calls so far, and the last readings."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from operator import add
from typing import Final

from breakerd.breaker.context import Priority
from breakerd.breaker.history.sketch import BUCKETS, EDGES, sort_in
from breakerd.breaker.history.slot import SEVERITY
from breakerd.breaker.states import State

SEVERITY_OF: Final = {state: rank for rank, state in enumerate(SEVERITY)}


class Tally:
    """Counts of one slot. Not thread-safe.

    The fields are those of `HistorySlot`, but for these.

    Attributes:
        unmeasured: Calls abandoned before they were slow, which are in no bucket.
        counts: Calls by bucket of `DurationSketch`.
        rejected: Calls that the state rejected, by reason.
        shed: Calls that the concurrency limit rejected, by priority.
        severity: Rank of the worst state in `SEVERITY`.
    """

    __slots__ = (
        "abandoned",
        "calls",
        "counts",
        "failures",
        "in_flight",
        "limit",
        "load",
        "memory",
        "normal",
        "rejected",
        "severity",
        "shed",
        "slow",
        "start",
        "threshold",
        "timed_out",
        "unmeasured",
    )

    def __init__(self, start: int) -> None:
        self.start = start
        self.calls = self.failures = self.slow = self.timed_out = 0
        self.abandoned = self.unmeasured = 0
        self.counts = array("Q", bytes(8 * BUCKETS))
        self.rejected: dict[str, int] = {}
        self.shed = [0] * len(Priority)
        self.in_flight = 0
        self.severity = 0
        self.limit: float | None = None
        self.memory: float | None = None
        self.load: float | None = None
        self.threshold: float | None = None
        self.normal: float | None = None

    def count(
        self, seconds: float, *, slow: bool, failed: bool = False, late: bool = False
    ) -> None:
        """Count a call that ended."""
        self.calls += 1
        self.counts[bisect_left(EDGES, seconds)] += 1
        self.slow += slow
        self.failures += failed
        self.timed_out += late

    def count_good(self, ordered: Sequence[float]) -> None:
        """Count one or more calls that went well, by their sorted seconds."""
        self.calls += len(ordered)
        sort_in(self.counts, ordered)

    def count_short(self, calls: int) -> None:
        """Count calls that went well and are in the first bucket."""
        self.calls += calls
        self.counts[0] += calls

    def meet(self, state: State) -> None:
        """Note a state that was in force in the slot."""
        self.severity = max(self.severity, SEVERITY_OF[state])

    def reject(self, reason: str, calls: int) -> None:
        """Count calls that the state rejected."""
        self.rejected[reason] = self.rejected.get(reason, 0) + calls

    def add(self, later: "Tally") -> None:
        """Add a slot that followed, or was inside this one."""
        self.calls += later.calls
        self.failures += later.failures
        self.slow += later.slow
        self.timed_out += later.timed_out
        self.abandoned += later.abandoned
        self.unmeasured += later.unmeasured
        self.counts = array("Q", map(add, self.counts, later.counts))
        self.shed = [one + other for one, other in zip(self.shed, later.shed, strict=True)]
        for reason, calls in later.rejected.items():
            self.reject(reason, calls)
        self.in_flight = max(self.in_flight, later.in_flight)
        self.severity = max(self.severity, later.severity)
        self.limit, self.threshold = later.limit, later.threshold
        self.memory = _highest(self.memory, later.memory)
        self.load = _highest(self.load, later.load)
        self.normal = self.normal if later.normal is None else later.normal


def _highest(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
