from __future__ import annotations

import random

from breakerd.breaker.replay.timeline import MAX_BINS, Timeline


def test_moments_fall_into_bins() -> None:
    timeline = Timeline(lanes=1)
    first = timeline.at(0.0)
    assert timeline.at(0.99) is first
    assert timeline.at(1.0) is not first
    timeline.at(7.5)
    assert [each.number for each in timeline.bins] == [0, 1, 7]


def test_bins_are_bounded_and_lose_nothing() -> None:
    timeline, chance, seconds = Timeline(lanes=2), random.Random(1), 0.0
    for _ in range(20_000):
        seconds += chance.expovariate(1)
        each = timeline.at(seconds)
        each.latency.add(seconds)
        each.errors += 1
        each.lanes[1].rejected += 1
        each.lanes[1].in_flight = max(each.lanes[1].in_flight, int(seconds))
    assert MAX_BINS / 2 <= len(timeline.bins) <= MAX_BINS
    assert timeline.width == 32
    assert sum(each.errors for each in timeline.bins) == 20_000
    assert sum(len(each.latency) for each in timeline.bins) == 20_000
    assert sum(each.lanes[1].rejected for each in timeline.bins) == 20_000
    assert max(each.lanes[1].in_flight for each in timeline.bins) == int(seconds)
    for each in timeline.bins:
        begin, end = each.number * timeline.width, (each.number + 1) * timeline.width
        assert begin <= each.lanes[1].in_flight < end


def test_the_last_limit_of_a_bin_counts() -> None:
    timeline = Timeline(lanes=1)
    for second in range(MAX_BINS):
        timeline.at(second).lanes[0].limit = float(second) if second % 4 == 0 else None
    timeline.at(MAX_BINS)
    assert [each.lanes[0].limit for each in timeline.bins[:4]] == [0.0, None, 4.0, None]


def test_a_long_pause_costs_no_bins() -> None:
    timeline = Timeline(lanes=0)
    timeline.at(0)
    timeline.at(1e9)
    assert len(timeline.bins) == 2
