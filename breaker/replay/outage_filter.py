"""Split a trace into healthy and bad intervals.

Source: F. R. Hampel, "The influence curve and its role in robust estimation" (JASA 1974), for
median and median absolute deviation, which bad intervals do not move while they are the minority.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from typing import Final

from breakerd.breaker.replay.ddsketch import Sketch
from breakerd.breaker.replay.timeline import Bin

_MIN_CALLS: Final = 50
"""Minimum number of calls in an interval, for its percentiles to be meaningful."""
_MAX_DEVIATIONS: Final = 3.0
"""Maximum deviations from the median that are attributed to chance."""
_MAD_TO_SIGMA: Final = 1.4826
"""Median absolute deviation of a normal distribution, times this, is its standard deviation."""
_MIN_LOG_DEVIATION: Final = 0.1
"""Minimum deviation of the logarithm of latency: ten per cent are ordinary in any trace."""


@dataclass(slots=True)
class Interval:
    """Interval of a trace with enough calls to be judged; `begin` and `end` in seconds."""

    begin: float
    end: float
    latency: Sketch
    errors: int = 0

    @property
    def error_share(self) -> float:
        """Return the share of its calls that failed, 0 to 1."""
        return self.errors / len(self.latency)

    def extend(self, end: float, each: Bin) -> None:
        """Add the calls of a bin that lasts until `end`."""
        self.end = end
        self.latency.merge(each.latency)
        self.errors += each.errors


@dataclass(frozen=True, slots=True)
class HealthySplit:
    """Healthy and bad intervals of a trace, ordered by time; `healthy` is never empty."""

    healthy: Sequence[Interval]
    bad: Sequence[Interval]

    @property
    def latency(self) -> Sketch:
        """Return the durations of all healthy calls."""
        every = Sketch()
        for interval in self.healthy:
            every.merge(interval.latency)
        return every

    @property
    def error_share(self) -> float:
        """Return the share of the healthy calls that failed, 0 to 1."""
        calls = sum(len(interval.latency) for interval in self.healthy)
        return sum(interval.errors for interval in self.healthy) / calls

    @property
    def rate(self) -> float:
        """Return the median of calls per second over the healthy intervals."""
        return median(len(s.latency) / (s.end - s.begin) for s in self.healthy)

    def outage_lengths(self) -> list[float]:
        """Return the length of each outage in seconds; adjacent bad intervals are one outage."""
        lengths: list[float] = []
        before = None
        for interval in self.bad:
            if before is not None and interval.begin <= before.end:
                lengths[-1] += interval.end - interval.begin
            else:
                lengths.append(interval.end - interval.begin)
            before = interval
        return lengths


def split(
    bins: Sequence[Bin], width: float, *, percentile: float, error_budget: float
) -> HealthySplit:
    """Split a trace into healthy and bad intervals.

    An interval is bad if its latency is far above that of the median interval, or if its failures
    exceed the budget, chance, and those of the median interval.

    Args:
        bins: the trace over time; at least one.
        width: length of a bin in seconds.
        percentile: percentile of latency to compare, as a fraction.
        error_budget: share of calls that may fail, 0 to 1.
    """
    intervals = list(_intervals(bins, width))
    levels = [log(interval.latency.percentiles([percentile])[0]) for interval in intervals]
    shares = [interval.error_share for interval in intervals]
    slow_from = _outlier_limit(levels, _MIN_LOG_DEVIATION)
    failing_from = max(error_budget, _outlier_limit(shares, 0.0))
    healthy: list[Interval] = []
    bad: list[Interval] = []
    for interval, level in zip(intervals, levels, strict=True):
        chance = _MAX_DEVIATIONS * sqrt(failing_from * (1 - failing_from) / len(interval.latency))
        failing = interval.error_share > failing_from + chance
        (bad if failing or level > slow_from else healthy).append(interval)
    return HealthySplit(healthy or intervals, bad)


def _intervals(bins: Iterable[Bin], width: float) -> Iterable[Interval]:
    """Yield intervals of neighbouring bins, each with enough calls."""
    present: Interval | None = None
    for each in bins:
        begin, end = each.number * width, (each.number + 1) * width
        if present is None:
            present = Interval(begin, end, Sketch())
        present.extend(end, each)
        if len(present.latency) >= _MIN_CALLS:
            yield present
            present = None
    if present is not None:
        yield present


def _outlier_limit(values: Sequence[float], least: float) -> float:
    middle = median(values)
    deviation = _MAD_TO_SIGMA * median(abs(value - middle) for value in values)
    return middle + _MAX_DEVIATIONS * max(deviation, least)
