"""Expand the increments of Prometheus histograms into single calls.

A histogram gives the number of calls that ended in each bucket per interval. Their ends are spread
evenly over the interval, and their durations evenly over the bucket, in the order of the multiples
of the golden ratio (Weyl 1916): even at any length, deterministic, and without an artificial trend.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise
from math import isfinite
from typing import Final

from breakerd.breaker.replay.trace.record import CallRecord

OVERFLOW_FACTOR: Final = 2.0
"""Assumed maximum duration of calls above the largest finite bound, as a multiple of it."""

_GOLDEN: Final = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram over time, as scraped.

    Attributes:
        bounds: upper bounds of the buckets in seconds, ascending; the last is infinite.
        times: times of the scrapes in seconds, ascending.
        counts: cumulative count of each bucket since the process began, per scrape.
        failed: True if its calls are failures.
    """

    bounds: Sequence[float]
    times: Sequence[float]
    counts: Sequence[Sequence[float]]
    failed: bool = False


def expand_calls(histograms: Sequence[Histogram]) -> Iterator[CallRecord]:
    """Yield the calls of all histograms, ordered by end."""
    buckets = [
        _bucket_calls(histogram, place)
        for histogram in histograms
        for place in range(len(histogram.bounds))
    ]
    for end, duration, failed in merge(*buckets):
        yield CallRecord(end - duration, duration, failed)


def _bucket_calls(histogram: Histogram, place: int) -> Iterator[tuple[float, float, bool]]:
    """Yield (end, duration, failed) of the calls of one bucket, ordered by end."""
    lower, upper = _edges(histogram.bounds, place)
    scrapes = zip(histogram.times, histogram.counts, strict=True)
    for (begin, before), (end, after) in pairwise(scrapes):
        calls = _increment(before, after, place)
        for number in range(calls):
            share = (number + 0.5) * _GOLDEN % 1.0
            moment = begin + (end - begin) * (number + 0.5) / calls
            yield moment, lower + (upper - lower) * share, histogram.failed


def _edges(bounds: Sequence[float], place: int) -> tuple[float, float]:
    lower = bounds[place - 1] if place else 0.0
    upper = bounds[place]
    return lower, upper if isfinite(upper) else lower * OVERFLOW_FACTOR


def _increment(before: Sequence[float], after: Sequence[float], place: int) -> int:
    """Return the calls added to the bucket at `place`; a restarted process counts from 0."""
    if after[-1] < before[-1]:
        before = [0.0] * len(after)
    below = after[place - 1] - before[place - 1] if place else 0.0
    # Buckets are not read atomically, so a bucket may seem to lose a call to the next.
    return max(0, round(after[place] - before[place] - below))
