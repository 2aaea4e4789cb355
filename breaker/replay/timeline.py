"""Aggregate a trace over time in a bounded number of bins."""

from dataclasses import dataclass, field
from math import inf
from typing import Final

from breakerd.breaker.replay.ddsketch import Sketch
from breakerd.breaker.replay.trace.record import CallRecord

MAX_BINS: Final = 1000
"""Maximum number of bins; beyond it, neighbours are merged and bins are twice as long."""


@dataclass(slots=True)
class Lane:
    """Result of one configuration in one bin."""

    rejected: int = 0
    in_flight: int = 0
    """Maximum number of calls in flight."""
    limit: float | None = None
    """Last concurrency limit; None if there is none."""

    def merge(self, later: "Lane") -> None:
        """Add the result of the next bin."""
        self.rejected += later.rejected
        self.in_flight = max(self.in_flight, later.in_flight)
        self.limit = self.limit if later.limit is None else later.limit


@dataclass(slots=True)
class Bin:
    """Recorded calls that began in one interval."""

    number: int
    lanes: list[Lane]
    latency: Sketch = field(default_factory=Sketch)
    """Durations in seconds."""
    errors: int = 0

    def add(self, call: CallRecord) -> None:
        """Add a call."""
        self.latency.add(call.duration, call.weight)
        self.errors += call.weight * call.error

    def merge(self, later: "Bin") -> None:
        """Add the next bin."""
        self.latency.merge(later.latency)
        self.errors += later.errors
        for lane, other in zip(self.lanes, later.lanes, strict=True):
            lane.merge(other)


class Timeline:
    """Bins of equal length, from 0 s on; bins without calls are left out.

    Args:
        lanes: number of configurations that are replayed.
        width: initial length of a bin in seconds; doubled when there are more than `MAX_BINS`.
    """

    def __init__(self, lanes: int, width: float = 1.0) -> None:
        self.width = width
        self.bins: list[Bin] = []
        self._lanes = lanes
        self._until = -inf

    def at(self, seconds: float) -> Bin:
        """Return the bin at that time; times must not decrease."""
        if seconds < self._until:
            return self.bins[-1]
        if len(self.bins) >= MAX_BINS:
            self._double_width()
        number = int(seconds // self.width)
        if not self.bins or number > self.bins[-1].number:
            self.bins.append(Bin(number, [Lane() for _ in range(self._lanes)]))
        self._until = (number + 1) * self.width
        return self.bins[-1]

    def _double_width(self) -> None:
        """Double the width until there is room for another bin."""
        while len(self.bins) >= MAX_BINS:
            self.width *= 2
            merged: list[Bin] = []
            for each in self.bins:
                each.number //= 2
                if merged and merged[-1].number == each.number:
                    merged[-1].merge(each)
                else:
                    merged.append(each)
            self.bins = merged
