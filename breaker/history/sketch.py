"""Durations of the calls of one slot, in 32 buckets with fixed edges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, MutableSequence, Sequence
from itertools import accumulate
from math import exp, log, sqrt
from typing import Final, Self

from breakerd.breaker.calls.duration_histogram import FIRST_BUCKET

BUCKETS: Final = 32
"""Number of buckets of every sketch."""
EDGES: Final = tuple(FIRST_BUCKET * sqrt(2) ** power for power in range(BUCKETS - 1))
"""Upper bounds in seconds of all buckets but the last, which has none: 1 ms to 32.768 s."""
_FEW: Final = 8
"""Calls up to which it is faster to look each one up than to sort them."""


class DurationSketch:
    """Numbers of calls by duration. Not thread-safe.

    All sketches have the same buckets, so that they can be added. The first one holds calls of up
    to 1 ms, which the fast path does not tell apart; each other one reaches to the square root of
    two times the one before, up to 32.768 s; the last one holds all longer calls.

    Attributes:
        edges: Upper bounds in seconds of all buckets but the last.
        relative_error: Largest relative error of a percentile between 1 ms and 32.768 s. The
            usual one is a fifth of it, since calls are taken as spread evenly inside a bucket.
            Below, the error is 1 ms at most; above, a percentile counts as 32.768 s.
    """

    __slots__ = ("_counts",)

    edges: Final = EDGES
    relative_error: Final = sqrt(2) - 1

    def __init__(self, counts: Iterable[int] = ()) -> None:
        """Create a sketch with the `counts` of its buckets, if any.

        Raises:
            ValueError: there are counts, and not 32 of them, or one is negative.
        """
        self._counts = list(counts) or [0] * BUCKETS
        if len(self._counts) != BUCKETS or min(self._counts) < 0:
            raise ValueError(f"a sketch takes {BUCKETS} counts from 0 on, not {self._counts}")

    def add(self, seconds: float, count: int = 1) -> None:
        """Add `count` calls that took `seconds` each; less than 0 counts as 0."""
        self._counts[bisect_left(EDGES, seconds)] += count

    def merge(self, other: Self) -> None:
        """Add all calls of `other`."""
        self._counts = [
            mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)
        ]

    def percentile(self, q: float) -> float | None:
        """Return the duration in seconds up to which the share `q` of the calls took.

        Args:
            q: Above 0 and below 1.

        Returns:
            Seconds; None for an empty sketch.

        Raises:
            ValueError: `q` is out of range.
        """
        if not 0 < q < 1:
            raise ValueError(f"percentile() got {q}; allowed: above 0 and below 1")
        sums = list(accumulate(self._counts))
        if not sums[-1]:
            return None
        rank = q * sums[-1]
        index = bisect_left(sums, rank)
        before = sums[index - 1] if index else 0
        return _inside(index, (rank - before) / self._counts[index])

    @property
    def count(self) -> int:
        """Number of calls."""
        return sum(self._counts)

    def counts(self) -> tuple[int, ...]:
        """Return the number of calls in each of the 32 buckets."""
        return tuple(self._counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DurationSketch) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"<DurationSketch of {self.count} calls>"


def sort_in(counts: MutableSequence[int], ordered: Sequence[float]) -> None:
    """Add one or more sorted durations in seconds to the `counts` of the buckets."""
    if len(ordered) <= _FEW:
        for seconds in ordered:
            counts[bisect_left(EDGES, seconds)] += 1
        return
    before, index = 0, bisect_left(EDGES, ordered[0])
    while before < len(ordered):
        upto = bisect_right(ordered, EDGES[index], before) if index < len(EDGES) else len(ordered)
        counts[index] += upto - before
        before, index = upto, index + 1


def _inside(index: int, share: float) -> float:
    """Return the duration up to which `share` of the calls in that bucket took."""
    if index == 0:
        return EDGES[0] * share
    if index == len(EDGES):
        return EDGES[-1]
    lower, upper = EDGES[index - 1], EDGES[index]
    return lower * exp(share * log(upper / lower))
