"""Trend of latency: rising, falling, oscillating, on a plateau, or flat.

All tests are on ranks, signs or ratios, so no verdict depends on the unit of time:

- rise and fall: Mann-Kendall (Mann 1945, Kendall 1975) with the correction for ties, whose normal
  form is good from five samples on; with three or four, where no order of ranks is rare enough to
  prove anything, Student's t of the least-squares slope. A rise that is over is a fall: the newest
  call is within the threshold, and since the first slow one more pairs of calls fall than rise;
- plateau: the sign test, whether the median lies above the threshold (needs five samples);
- oscillation: the turning-point test (Bienaymé 1874; Kendall and Stuart);
- how steep: the Theil-Sen slope (Sen 1968), the median of the slopes of all pairs.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import dropwhile, pairwise
from math import copysign, inf, sqrt
from statistics import fmean, median
from typing import Final

TREND_SAMPLES: Final = 128
"""Maximum number of calls that a trend is classified from, the newest."""

_SIGNIFICANT_Z_SCORE: Final = 1.96
"""Standard normal deviate that chance exceeds in 2.5 % of the cases."""
_PLATEAU_Z_SCORE: Final = 1.645
"""Standard normal deviate that chance exceeds in 5 % of the cases."""
_SIGNIFICANT_T: Final = {1: 12.706, 2: 4.303}
"""Student's t at 2.5 % for one and two degrees of freedom."""
_MIN_RANK_SAMPLES: Final = 5
"""Minimum number of samples for the Mann-Kendall test."""


class TrendKind(StrEnum):
    """Trend of a window of latencies."""

    RISING = "rising"
    OSCILLATING_RISING = "oscillating with a rise"
    PLATEAU = "plateau above the threshold"
    FALLING = "falling"
    OSCILLATING = "oscillating"
    FLAT = "flat"


TRIPPING_TRENDS: Final = frozenset(
    {TrendKind.RISING, TrendKind.OSCILLATING_RISING, TrendKind.PLATEAU}
)
"""Trends with which latency above the threshold opens the breaker."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Trend of a window.

    Attributes:
        kind: Classification.
        slope: Theil-Sen slope per call as a share of the median latency; 0.02 is 2 % a call.
    """

    kind: TrendKind
    slope: float


def describe(latencies: Sequence[float], threshold: float) -> Trend:
    """Return the trend and slope of the newest `TREND_SAMPLES` of `latencies`, oldest first.

    `threshold` is in the unit of `latencies`. O(n²) for the slope; `classify` alone is O(n log n).
    """
    newest = latencies[-TREND_SAMPLES:]
    return Trend(classify(newest, threshold), relative_slope(newest))


def classify(latencies: Sequence[float], threshold: float) -> TrendKind:
    """Classify `latencies` (oldest first) relative to `threshold` in the same unit.

    A significant rise wins over a plateau, and a plateau over a fall: while every call is too
    slow, on-call has a plateau, whatever its slope. Fewer than three samples are flat.
    """
    if len(latencies) < 3:
        return TrendKind.FLAT
    direction = _direction(latencies)
    if direction > 0 and _recedes(latencies, threshold):
        direction = -1
    oscillates = _oscillates(latencies)
    if direction > 0:
        return TrendKind.OSCILLATING_RISING if oscillates else TrendKind.RISING
    if _stays_above(latencies, threshold, falling=direction < 0):
        return TrendKind.PLATEAU
    if direction < 0:
        return TrendKind.FALLING
    return TrendKind.OSCILLATING if oscillates else TrendKind.FLAT


def relative_slope(latencies: Sequence[float]) -> float:
    """Return the Theil-Sen slope of `latencies` per call, as a share of their median."""
    middle = median(latencies) if latencies else 0.0
    if len(latencies) < 2 or not middle:
        return 0.0
    slopes = [
        (later - earlier) / (j - i)
        for i, earlier in enumerate(latencies)
        for j, later in enumerate(latencies[i + 1 :], i + 1)
    ]
    return median(slopes) / middle


def _direction(values: Sequence[float]) -> int:
    """Return 1 for a significant rise, -1 for a significant fall, else 0."""
    deviate = _mann_kendall(values) if len(values) >= _MIN_RANK_SAMPLES else _slope_t(values)
    limit = (
        _SIGNIFICANT_Z_SCORE
        if len(values) >= _MIN_RANK_SAMPLES
        else _SIGNIFICANT_T[len(values) - 2]
    )
    if abs(deviate) <= limit:
        return 0
    return 1 if deviate > 0 else -1


def _mann_kendall(values: Sequence[float]) -> float:
    """Return the standardised Mann-Kendall statistic with continuity and tie corrections."""
    score = _kendall_score(values)
    if not score:
        return 0.0
    n = len(values)
    variance = n * (n - 1) * (2 * n + 5)
    variance -= sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    return (score - (1 if score > 0 else -1)) / sqrt(variance / 18)


def _kendall_score(values: Iterable[float]) -> int:
    """Return the number of pairs that rise less the number of pairs that fall."""
    ordered: list[float] = []
    score = 0
    for value in values:
        score += bisect_left(ordered, value) - (len(ordered) - bisect_right(ordered, value))
        insort(ordered, value)
    return score


def _recedes(values: Sequence[float], threshold: float) -> bool:
    """True if latency was above `threshold`, is no longer, and has fallen on the whole since."""
    if values[-1] > threshold:
        return False
    since = dropwhile(lambda value: value <= threshold, values)
    return _kendall_score(since) < 0


def _slope_t(values: Sequence[float]) -> float:
    """Return Student's t of the least-squares slope; infinite if the points lie on a line."""
    n = len(values)
    mean, centre = fmean(values), (n - 1) / 2
    spread = sum((i - centre) ** 2 for i in range(n))
    slope = sum((i - centre) * (value - mean) for i, value in enumerate(values)) / spread
    residual = sum((value - mean - slope * (i - centre)) ** 2 for i, value in enumerate(values))
    error = sqrt(residual / (n - 2) / spread)
    # A residual of the size of rounding errors is no evidence of noise, whatever the unit.
    if error <= abs(slope) * 1e-9:
        return copysign(inf, slope) if slope else 0.0
    return slope / error


def _stays_above(values: Sequence[float], threshold: float, *, falling: bool) -> bool:
    n = len(values)
    above = sum(value > threshold for value in values)
    if falling and above < n:
        return False
    return (2 * above - n - 1) / sqrt(n) > _PLATEAU_Z_SCORE


def _oscillates(values: Sequence[float]) -> bool:
    n = len(values)
    steps = [later - earlier for earlier, later in pairwise(values)]
    turns = sum(before * after < 0 for before, after in pairwise(steps))
    return (turns - 2 * (n - 2) / 3) / sqrt((16 * n - 29) / 90) > _SIGNIFICANT_Z_SCORE
