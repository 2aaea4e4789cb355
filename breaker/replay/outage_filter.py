"""The healthy part of a trace: what is left when its bad stretches are taken out.

Source: F. R. Hampel, "The influence curve and its role in robust estimation" (JASA 1974), for
median and median absolute deviation, which bad stretches do not move while they are the minority.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from typing import Final

from breakerd.breaker.replay.ddsketch import Sketch
from breakerd.breaker.replay.timeline import Bin

_MIN_CALLS: Final = 50
"""So many calls a stretch needs for its percentiles to mean something."""
_MAX_DEVIATIONS: Final = 3.0
"""Deviations from the median that are too far to be chance."""
_MAD_TO_SIGMA: Final = 1.4826
"""Median absolute deviation of a normal distribution, times this, is its standard deviation."""
_MIN_LOG_DEVIATION: Final = 0.1
"""Of the logarithm of latency: ten per cent are ordinary, however steady the rest is."""


@dataclass(slots=True)
class Interval:
    """Some time of a trace with enough calls to be judged; `begin` and `end` in seconds."""

    begin: float
    end: float
    latency: Sketch
    errors: int = 0

    @property
    def error_share(self) -> float:
        """Share of its calls that failed."""
        return self.errors / len(self.latency)

    def extend(self, end: float, each: Bin) -> None:
        """Takes in the calls of a bin that lasts until `end`."""
        self.end = end
        self.latency.merge(each.latency)
        self.errors += each.errors


@dataclass(frozen=True, slots=True)
class HealthySplit:
    """A trace, parted. Both lists are in order of time; `healthy` is never empty."""

    healthy: Sequence[Interval]
    bad: Sequence[Interval]

    @property
    def latency(self) -> Sketch:
        """The durations of all healthy calls."""
        every = Sketch()
        for stretch in self.healthy:
            every.merge(stretch.latency)
        return every

    @property
    def error_share(self) -> float:
        """Share of the healthy calls that failed."""
        calls = sum(len(stretch.latency) for stretch in self.healthy)
        return sum(stretch.errors for stretch in self.healthy) / calls

    @property
    def rate(self) -> float:
        """Median of the healthy stretches' calls per second."""
        return median(len(s.latency) / (s.end - s.begin) for s in self.healthy)

    def outage_lengths(self) -> list[float]:
        """How long each bad time was, from the first of its stretches to the last."""
        lengths: list[float] = []
        before = None
        for stretch in self.bad:
            if before is not None and stretch.begin <= before.end:
                lengths[-1] += stretch.end - stretch.begin
            else:
                lengths.append(stretch.end - stretch.begin)
            before = stretch
        return lengths


def split(
    bins: Sequence[Bin], width: float, *, percentile: float, error_budget: float
) -> HealthySplit:
    """Takes the bad stretches out of a trace.

    A stretch is bad if its latency is far above the median stretch's, or if it fails by more than
    its budget, and than chance explains, and than the median stretch does.

    Args:
        bins: the trace over time; at least one.
        width: seconds of a bin.
        percentile: which one of latency is compared.
        error_budget: share of calls that may fail.
    """
    stretches = list(_intervals(bins, width))
    levels = [log(stretch.latency.percentiles([percentile])[0]) for stretch in stretches]
    shares = [stretch.error_share for stretch in stretches]
    slow_from = _outlier_limit(levels, _MIN_LOG_DEVIATION)
    failing_from = max(error_budget, _outlier_limit(shares, 0.0))
    healthy: list[Interval] = []
    bad: list[Interval] = []
    for stretch, level in zip(stretches, levels, strict=True):
        chance = _MAX_DEVIATIONS * sqrt(failing_from * (1 - failing_from) / len(stretch.latency))
        failing = stretch.error_share > failing_from + chance
        (bad if failing or level > slow_from else healthy).append(stretch)
    return HealthySplit(healthy or stretches, bad)


def _intervals(bins: Iterable[Bin], width: float) -> Iterable[Interval]:
    """Neighbouring bins, put together until there are enough calls in each."""
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
