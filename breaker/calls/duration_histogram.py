"""Histogram of call durations for the metrics."""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import inf
from typing import Final

from breakerd.breaker.calls.counters import DURATION_BOUNDS

FIRST_BUCKET: Final = DURATION_BOUNDS[0]
"""Upper bound of the first bucket in seconds."""
_MOST: Final = 0.9
"""Share of short calls from which the next ones are expected to be short."""


class DurationHistogram:
    """Histogram and sum of all calls ever reported. Not thread-safe.

    Attributes:
        count: Number of calls.
        sum: Total duration in seconds.
    """

    __slots__ = ("_buckets", "count", "sum")

    def __init__(self) -> None:
        self._buckets = [0] * (len(DURATION_BOUNDS) + 1)
        self.count = 0
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Add one call."""
        self.count += 1
        self.sum += seconds
        self._buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1

    def extend_short(self, calls: int, total: float) -> None:
        """Add so many calls that are all known to be in the first bucket, of `total` seconds."""
        self.count += calls
        self.sum += total
        self._buckets[0] += calls

    def extend(self, ordered: list[float], total: float) -> bool:
        """Add one or more calls at once, in C.

        Args:
            ordered: Seconds of each call, sorted; not empty.
            total: Sum of them.

        Returns:
            True if the next calls are likely to be in the first bucket too.
        """
        self.count += len(ordered)
        self.sum += total
        before = 0
        for i, bound in enumerate(DURATION_BOUNDS):
            upto = bisect_right(ordered, bound, before)
            self._buckets[i] += upto - before
            before = upto
            if upto == len(ordered):
                break
        self._buckets[-1] += len(ordered) - before
        return ordered[int(_MOST * (len(ordered) - 1))] <= FIRST_BUCKET

    def cumulative(self) -> tuple[tuple[float, int], ...]:
        """Return (upper bound in seconds, calls up to it); the last bound is infinite."""
        return tuple(zip((*DURATION_BOUNDS, inf), accumulate(self._buckets), strict=True))
