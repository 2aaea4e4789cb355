"""Find durations of single calls in the counts of a sketch.

Within a bucket the density of the logarithm of duration is taken as linear, between those of its
neighbours; so percentiles are more exact than the width of a bucket, and no count changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

_OPEN_FACTOR: Final = 2.0
"""Width of the two outermost buckets, which have one edge only, as a factor."""
_NEARLY_EVEN: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Piece:
    """So many calls with durations from `low` to `high` seconds."""

    low: float
    high: float
    count: int


def pieces_of(
    counts: Sequence[int], edges: Sequence[float], limit: float | None = None, above: int = 0
) -> list[Piece]:
    """Return the buckets of a sketch that hold calls, in order.

    Args:
        counts: calls by bucket; one bucket more than edges.
        edges: edges between the buckets in seconds, ascending.
        limit: a duration in seconds for which the number of longer calls is known; None for none.
        above: this number; it is left aside if the buckets contradict it.
    """
    lows = [edges[0] / _OPEN_FACTOR, *edges]
    highs = [*edges, edges[-1] * _OPEN_FACTOR]
    pieces: list[Piece] = []
    longer = sum(counts)
    for low, high, count in zip(lows, highs, counts, strict=True):
        longer -= count
        if not count:
            continue
        over = above - longer
        if limit is not None and low < limit < high and 0 <= over <= count:
            parts = (Piece(low, limit, count - over), Piece(limit, high, over))
            pieces += [part for part in parts if part.count]
        else:
            pieces.append(Piece(low, high, count))
    return pieces


def spread(pieces: Sequence[Piece]) -> list[float]:
    """Return one duration in seconds for each call, ascending."""
    durations: list[float] = []
    for place, piece in enumerate(pieces):
        before = pieces[place - 1] if place else None
        after = pieces[place + 1] if place + 1 < len(pieces) else None
        slope = _slope(before, piece, after)
        ratio = piece.high / piece.low
        durations += [
            piece.low * ratio ** _quantile((number + 0.5) / piece.count, slope)
            for number in range(piece.count)
        ]
    return durations


def _slope(before: Piece | None, piece: Piece, after: Piece | None) -> float:
    """Return the slope of the density in a piece, -1 to 1 of its mean."""
    here = _density(piece)
    left = _density(before) if before is not None and before.high == piece.low else 0.0
    right = _density(after) if after is not None and after.low == piece.high else 0.0
    return max(-1.0, min(1.0, (right - left) / (4 * here)))


def _density(piece: Piece) -> float:
    return piece.count / log(piece.high / piece.low)


def _quantile(share: float, slope: float) -> float:
    """Return where in a piece that share of its calls lies below, 0 to 1."""
    if abs(slope) < _NEARLY_EVEN:
        return share
    rest = 1 - slope
    return (sqrt(rest * rest + 4 * slope * share) - rest) / (2 * slope)
