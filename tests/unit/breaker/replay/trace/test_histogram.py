from __future__ import annotations

from math import inf

import pytest

from breakerd.breaker.replay.trace.histogram import Histogram, expand_calls


def histogram(*counts: list[float], failed: bool = False) -> Histogram:
    times = [100.0 + 10 * number for number in range(len(counts))]
    return Histogram([0.1, 0.5, inf], times, counts, failed)


def test_increments_become_as_many_calls_in_their_buckets() -> None:
    calls = list(expand_calls([histogram([5, 5, 5], [9, 11, 12])]))
    assert len(calls) == 7
    durations = sorted(call.duration for call in calls)
    assert all(0 <= duration <= 0.1 for duration in durations[:4])
    assert all(0.1 < duration <= 0.5 for duration in durations[4:6])
    assert 0.5 < durations[6] <= 1.0


def test_they_end_evenly_within_the_interval() -> None:
    calls = list(expand_calls([histogram([0, 0, 0], [4, 4, 4])]))
    assert [call.start + call.duration for call in calls] == pytest.approx(
        [101.25, 103.75, 106.25, 108.75]
    )


def test_durations_have_no_trend_and_fill_the_bucket() -> None:
    calls = list(expand_calls([histogram([0, 0, 0], [1000, 1000, 1000])]))
    first, second = calls[:500], calls[500:]
    for half in (first, second):
        assert sum(call.duration for call in half) / 500 == pytest.approx(0.05, rel=0.02)
    assert max(call.duration for call in calls) > 0.099


def test_a_process_that_began_anew_counts_from_nothing() -> None:
    assert len(list(expand_calls([histogram([90, 95, 100], [2, 3, 3])]))) == 3


def test_buckets_that_were_not_read_at_one_instant_lose_no_calls_below_nothing() -> None:
    assert len(list(expand_calls([histogram([5, 5, 5], [7, 6, 6])]))) == 2


def test_several_are_merged_by_the_ends_of_their_calls() -> None:
    good, bad = histogram([0, 0, 0], [3, 3, 3]), histogram([0, 0, 0], [2, 2, 2], failed=True)
    calls = list(expand_calls([good, bad]))
    ends = [call.start + call.duration for call in calls]
    assert ends == sorted(ends)
    assert [call.error for call in calls] == [False, True, False, True, False]


def test_the_same_counts_give_the_same_calls() -> None:
    one = histogram([0, 0, 0], [10, 20, 30], [12, 30, 44])
    assert list(expand_calls([one])) == list(expand_calls([one]))
