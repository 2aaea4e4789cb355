"""DDSketch: percentiles with a bounded relative error in bounded memory, with optional decay.

Sources: C. Masson, J. Rim and H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees" (VLDB 2019), for buckets that grow by a constant factor; G. Cormode and
others, "Forward decay" (ICDE 2009), for decay in O(1): new weights are written larger, and the old
ones stay as they are.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import ceil, inf, isfinite, log
from typing import Final

_MAX_UNIT: Final = 1e100
"""Largest value that one unit of weight is written as before all weights are rescaled."""


class BucketLayout:
    """Maps values to buckets whose bounds grow by a constant factor, and back.

    Args:
        lowest: Smallest value that has a bucket of its own.
        highest: Larger values count as this one; infinite for no bound.
        accuracy: Largest relative error of a percentile between the two.
        origin: A value that is the upper bound of a bucket; `lowest` if not given.
        zero_bucket: True if values below `lowest` count as 0, False if they count as `lowest`.

    Attributes:
        count: Number of buckets; 0 if it is not bounded.
    """

    def __init__(
        self,
        lowest: float,
        highest: float = inf,
        accuracy: float = 0.05,
        *,
        origin: float | None = None,
        zero_bucket: bool = True,
    ) -> None:
        self._lowest = lowest
        self._highest = highest
        self._zero_bucket = zero_bucket
        self._origin = lowest if origin is None else origin
        self._growth = (1 + accuracy) / (1 - accuracy)
        self._log_growth = log(self._growth)
        self._shift = 0
        self._shift = zero_bucket - self.index(lowest)
        self.count = self.index(highest) + 1 if isfinite(highest) else 0

    def index(self, value: float) -> int:
        """Return the bucket of a value of 0 or more; buckets are numbered from 0."""
        if value < self._lowest:
            if self._zero_bucket:
                return 0
            value = self._lowest
        return self._shift + ceil(log(min(value, self._highest) / self._origin) / self._log_growth)

    def value(self, index: int) -> float:
        """Return the value that represents all values of that bucket."""
        if index == 0 and self._zero_bucket:
            return 0.0
        upper: float = self._origin * self._growth ** (index - self._shift)
        return upper * 2 / (1 + self._growth)


class DDSketch:
    """Weights by bucket. Not thread-safe.

    Sketches of a layout with a `highest` have a fixed size; others grow with their largest value.
    """

    __slots__ = ("_layout", "_unit", "_weights")

    def __init__(self, layout: BucketLayout) -> None:
        self._layout = layout
        self._weights = array("d", bytes(8 * layout.count))
        self._unit = 1.0

    def add(self, value: float) -> None:
        """Add a value of 0 or more with a weight of 1."""
        self.add_weight(self._layout.index(value), 1.0)

    def add_weight(self, index: int, weight: float) -> None:
        """Add `weight` to the bucket with that index."""
        if index >= len(self._weights):
            self._grow(index + 1)
        self._weights[index] += weight * self._unit

    def merge(self, other: "DDSketch") -> None:
        """Add all values of `other`, a sketch of the same layout."""
        for index, weight in other.items():
            self.add_weight(index, weight)

    def decay(self, factor: float) -> None:
        """Multiply every weight by `factor`, 0 to 1; O(1) amortised."""
        if factor * _MAX_UNIT < self._unit:
            self._rescale(factor)
        else:
            self._unit /= factor

    def percentiles(self, shares: Sequence[float]) -> list[float]:
        """Return percentiles of values that all have a weight of 1, without decay.

        The percentile of share p of n values is the one of rank p * (n - 1), counted from 0 and
        rounded down. All are 0 for an empty sketch. O(number of buckets).
        """
        sums = list(accumulate(self._weights))
        if not (sums and sums[-1] > 0):
            return [0.0] * len(shares)
        last = sums[-1] - self._unit
        return [self._layout.value(bisect_right(sums, share * last)) for share in shares]

    def weighted_percentiles(self, *shares: float) -> list[float]:
        """Return percentiles of weighted values.

        The percentile of share p is the smallest value up to which at least that share of the
        weight lies. All are 0 if there is no weight. O(number of buckets).
        """
        sums = list(accumulate(self._weights))
        if not (sums and sums[-1] > 0):
            return [0.0] * len(shares)
        return [self._layout.value(bisect_left(sums, share * sums[-1])) for share in shares]

    def share_above(self, value: float) -> float:
        """Return the share of the weight above `value`, to the accuracy of the layout."""
        above = sum(weight for index, weight in self.items() if self._layout.value(index) > value)
        return above / (len(self) or 1)

    def items(self) -> Iterator[tuple[int, float]]:
        """Return (bucket, weight) for each bucket with a weight."""
        return ((i, weight / self._unit) for i, weight in enumerate(self._weights) if weight)

    def __len__(self) -> int:
        """Return the total weight, rounded: the number of values if all have a weight of 1."""
        return round(sum(self._weights) / self._unit)

    def _grow(self, count: int) -> None:
        self._weights.extend([0.0] * (count - len(self._weights)))

    def _rescale(self, factor: float) -> None:
        scale, self._unit = factor / self._unit, 1.0
        self._weights = array("d", (weight * scale for weight in self._weights))
