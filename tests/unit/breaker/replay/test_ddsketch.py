from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.replay.ddsketch import ACCURACY, MIN_VALUE, Sketch

values = st.lists(st.floats(MIN_VALUE, 1e5), min_size=1, max_size=200)


def sketch_of(numbers: list[float]) -> Sketch:
    sketch = Sketch()
    for number in numbers:
        sketch.add(number)
    return sketch


@given(values, st.lists(st.floats(0, 1), max_size=4))
def test_percentiles_are_as_exact_as_promised(numbers: list[float], shares: list[float]) -> None:
    found = sketch_of(numbers).percentiles(sorted(shares))
    ordered = sorted(numbers)
    assert len(found) == len(shares)
    for share, value in zip(sorted(shares), found, strict=True):
        exact = ordered[int(share * (len(ordered) - 1))]
        assert abs(value - exact) <= ACCURACY * exact * 1.000001


@given(values, values)
def test_merging_is_as_if_all_had_been_added(some: list[float], more: list[float]) -> None:
    merged = sketch_of(some)
    merged.merge(sketch_of(more))
    assert len(merged) == len(some) + len(more)
    shares = [0.1, 0.5, 0.9]
    assert merged.percentiles(shares) == sketch_of(some + more).percentiles(shares)


def test_an_empty_one() -> None:
    assert Sketch().percentiles([0.5, 0.9]) == [0.0, 0.0]
    assert Sketch().share_above(1.0) == 0.0


def test_nothing_and_next_to_nothing_are_taken_for_the_least() -> None:
    (value,) = sketch_of([0.0, 1e-12]).percentiles([0.5])
    assert 0 < value <= MIN_VALUE * (1 + ACCURACY)


def test_the_share_above() -> None:
    assert sketch_of([1.0] * 3 + [5.0]).share_above(2.0) == 0.25
