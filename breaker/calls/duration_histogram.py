"""How long all calls took together, and how many took how long: what the metrics show."""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import inf
from typing import Final

from breakerd.breaker.calls.counters import DURATION_BOUNDS

FIRST_BUCKET: Final = DURATION_BOUNDS[0]
"""Seconds up to which calls are in the first bucket."""
_MOST: Final = 0.9
"""If this share of the calls is short, the next ones are taken to be."""


class DurationHistogram:
    """A histogram of all calls ever reported, and their sum. Not thread-safe.

    Attributes:
        count: calls.
        sum: seconds that they took together.
    """

    __slots__ = ("_buckets", "count", "sum")

    def __init__(self) -> None:
        self._buckets = [0] * (len(DURATION_BOUNDS) + 1)
        self.count = 0
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Takes in one call."""
        self.count += 1
        self.sum += seconds
        self._buckets[bisect_left(DURATION_BOUNDS, seconds)] += 1

    def extend(self, many: list[float], total: float, *, short: bool) -> bool:
        """Takes in at least one call, in C; says whether the next ones are likely to be `SHORT`.

        Args:
            many: seconds of each.
            total: their sum.
            short: whether all are known to be `SHORT`, which saves the sort (25 ns a call).
        """
        self.count += len(many)
        self.sum += total
        if short:
            self._buckets[0] += len(many)
            return True
        ordered = sorted(many)
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
        """(upper bound in seconds, calls that took at most that long); the last is infinite."""
        return tuple(zip((*DURATION_BOUNDS, inf), accumulate(self._buckets), strict=True))
