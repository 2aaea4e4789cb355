"""Percentiles of a stream, to a known relative error, in bounded memory.

Source: C. Masson, J. Rim and H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees" (VLDB 2019): buckets whose bounds grow by a constant factor.
"""

from collections import Counter
from collections.abc import Sequence
from math import ceil, log
from typing import Final

ACCURACY: Final = 0.01
"""Largest relative error of a percentile."""
MIN_VALUE: Final = 1e-6
"""Smaller values count as this."""

_GROWTH: Final = (1 + ACCURACY) / (1 - ACCURACY)
_PER_BUCKET: Final = 1 / log(_GROWTH)


class Sketch:
    """How often values from each bucket came.

    A bucket that no value came from costs nothing; from 1 µs to 1,000 s there are about 1,000.
    """

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, value: float) -> None:
        """Takes in a value of 0 or more."""
        self._counts[ceil(log(value) * _PER_BUCKET) if value > MIN_VALUE else _MIN_BUCKET] += 1

    def merge(self, other: "Sketch") -> None:
        """Takes in all values of `other`, as exactly as if they had been added here."""
        self._counts.update(other._counts)  # noqa: SLF001 - of its own class

    def percentiles(self, shares: Sequence[float]) -> list[float]:
        """The values below which those rising shares of all values lie; 0 for an empty sketch."""
        found: list[float] = []
        wanted = [share * (len(self) - 1) for share in shares]
        below = 0
        for bucket, count in sorted(self._counts.items()):
            below += count
            while len(found) < len(wanted) and below > wanted[len(found)]:
                found.append(_value(bucket))
        return found or [0.0] * len(wanted)

    def share_above(self, value: float) -> float:
        """The share of values above `value`, to the accuracy of the buckets."""
        above = sum(count for bucket, count in self._counts.items() if _value(bucket) > value)
        return above / (len(self) or 1)

    def __len__(self) -> int:
        return self._counts.total()


def _value(bucket: int) -> float:
    """What a value of that bucket is taken for: wrong by at most `ACCURACY`."""
    return float(2 * _GROWTH**bucket / (_GROWTH + 1))


_MIN_BUCKET: Final = ceil(log(MIN_VALUE) * _PER_BUCKET)
