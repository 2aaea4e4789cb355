"""Durations in 32 buckets."""

import random
from bisect import bisect_left

import pytest

from breakerd.breaker.history.sketch import BUCKETS, EDGES, DurationSketch, sort_in


def sketch_of(*seconds: float) -> DurationSketch:
    made = DurationSketch()
    for each in seconds:
        made.add(each)
    return made


def test_the_buckets_reach_from_one_millisecond_to_half_a_minute() -> None:
    assert len(EDGES) == BUCKETS - 1
    assert EDGES[0] == 0.001
    assert EDGES[-1] == pytest.approx(32.768)


def test_an_empty_sketch_has_no_percentile() -> None:
    assert DurationSketch().percentile(0.5) is None


@pytest.mark.parametrize("q", [0.0, 1.0, -1.0, float("nan")])
def test_a_percentile_lies_between_0_and_1(q: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 1"):
        sketch_of(0.1).percentile(q)


def test_percentiles_of_random_calls_are_within_the_stated_error() -> None:
    rng = random.Random(7)
    seconds = sorted(rng.lognormvariate(-2.5, 1.0) for _ in range(5000))
    sketch = sketch_of(*seconds)
    for q in (0.05, 0.5, 0.9, 0.95, 0.99, 0.999):
        exact = seconds[int(q * len(seconds))]
        found = sketch.percentile(q)
        assert found is not None
        assert abs(found - exact) <= DurationSketch.relative_error * exact
        assert found == pytest.approx(exact, rel=0.1)


def test_short_and_long_calls_are_in_the_outer_buckets() -> None:
    short, long = sketch_of(-1.0, 0.0, 0.001), sketch_of(40.0, 1e9)
    assert short.counts()[0] == 3
    assert long.counts()[-1] == 2
    assert short.percentile(0.5) == pytest.approx(0.0005)
    assert long.percentile(0.5) == pytest.approx(32.768)


def test_sketches_are_added() -> None:
    one, other = sketch_of(0.1, 0.2), sketch_of(0.1, 5.0)
    one.merge(other)
    assert one == sketch_of(0.1, 0.1, 0.2, 5.0)
    assert one.count == 4
    assert repr(one) == "<DurationSketch of 4 calls>"
    assert other.count == 2


def test_many_calls_are_added_at_once() -> None:
    one = DurationSketch()
    one.add(0.3, 1000)
    assert one.count == 1000


def test_a_sketch_is_made_from_its_counts() -> None:
    counts = sketch_of(0.1, 0.2, 60.0).counts()
    assert DurationSketch(counts).counts() == counts


@pytest.mark.parametrize("counts", [[1], [0] * 33, [-1, *[0] * 31]])
def test_other_counts_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="32 counts"):
        DurationSketch(counts)


@pytest.mark.parametrize("calls", [1, 8, 9, 500])
def test_sorted_calls_are_added_as_one_by_one(calls: int) -> None:
    rng = random.Random(calls)
    ordered = sorted(rng.choice([0.0, *EDGES, 50.0, rng.random()]) for _ in range(calls))
    counts = [0] * BUCKETS
    sort_in(counts, ordered)
    expected = [0] * BUCKETS
    for seconds in ordered:
        expected[bisect_left(EDGES, seconds)] += 1
    assert counts == expected
