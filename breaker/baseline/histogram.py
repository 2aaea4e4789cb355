"""Percentiles of a series in which the past fades, in fixed memory.

Sources: C. Masson, J. Rim and H. Lee, "DDSketch" (VLDB 2019), for buckets that grow by a constant
factor, which bounds the relative error; G. Cormode and others, "Forward decay" (ICDE 2009), for
fading in O(1): instead of shrinking the old weights, new ones are written down larger.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from math import ceil, log
from typing import Final

_LARGEST_UNIT: Final = 1e100
"""What one unit of weight may be written as before everything is written anew."""


class Buckets:
    """How values fall into buckets: one for what is below `lowest`, then ever wider ones.

    Args:
        lowest: smaller values count as 0.
        highest: larger values count as this.
        accuracy: largest relative error of a percentile between the two.
    """

    def __init__(self, lowest: float, highest: float, accuracy: float = 0.05) -> None:
        self._lowest = lowest
        self._highest = highest
        self._growth = (1 + accuracy) / (1 - accuracy)
        self._log_growth = log(self._growth)
        self.count = self.index(highest) + 1
        """How many buckets there are."""

    def index(self, value: float) -> int:
        """The bucket of a value of 0 or more."""
        if value < self._lowest:
            return 0
        return 1 + ceil(log(min(value, self._highest) / self._lowest) / self._log_growth)

    def value(self, index: int) -> float:
        """What a value in that bucket is taken for."""
        if index == 0:
            return 0.0
        upper: float = self._lowest * self._growth ** (index - 1)
        return upper * 2 / (1 + self._growth)


class Histogram:
    """Weights of one series, by bucket. Not thread-safe."""

    __slots__ = ("_buckets", "_unit", "_weights")

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._weights = array("d", bytes(8 * buckets.count))
        self._unit = 1.0

    def fade(self, factor: float) -> None:
        """Shrinks every weight to `factor` of it, 0 to 1."""
        if factor * _LARGEST_UNIT < self._unit:
            self._rewrite(factor)
        else:
            self._unit /= factor

    def add(self, index: int, weight: float) -> None:
        """Takes in a value of that bucket."""
        self._weights[index] += weight * self._unit

    def percentiles(self, *ranks: float) -> list[float]:
        """The values below which those shares of the weight lie; 0 where there is none. O(n)."""
        sums = list(accumulate(self._weights))
        if not sums[-1] > 0:
            return [0.0] * len(ranks)
        return [self._buckets.value(bisect_left(sums, rank * sums[-1])) for rank in ranks]

    def items(self) -> Iterator[tuple[int, float]]:
        """(bucket, weight) where there is any."""
        return ((i, weight / self._unit) for i, weight in enumerate(self._weights) if weight)

    def _rewrite(self, factor: float) -> None:
        scale, self._unit = factor / self._unit, 1.0
        self._weights = array("d", (weight * scale for weight in self._weights))
