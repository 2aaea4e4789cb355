from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest

from breakerd.breaker.limiter.load_ceiling import LoadCeiling


def advance(ceiling: LoadCeiling, samples: int, in_flight: int, **how: bool) -> list[float]:
    limits = []
    for _ in range(samples):
        ceiling.advance(in_flight, **{"overloaded": False, "needed": False} | how)
        limits.append(ceiling.limit)
    return limits


@pytest.fixture
def lowered() -> LoadCeiling:
    """A ceiling that fell from a hundred calls at once."""
    ceiling = LoadCeiling()
    advance(ceiling, 30, 100, overloaded=True)
    return ceiling


def test_there_is_none_while_the_load_is_borne() -> None:
    assert advance(LoadCeiling(), 100, 1000) == [inf] * 100


def test_it_begins_just_below_what_runs_and_falls_by_a_quarter_each_second() -> None:
    limits = advance(LoadCeiling(), 20, 100, overloaded=True)
    assert limits[0] == pytest.approx(97)
    assert limits[9] == pytest.approx(100 * 0.97**10)
    assert 100 * 0.7 < limits[9] < 100 * 0.8


def test_it_follows_what_runs_and_leaves_one() -> None:
    ceiling = LoadCeiling()
    advance(ceiling, 5, 100, overloaded=True)
    assert advance(ceiling, 1, 10, overloaded=True)[0] < 10
    assert advance(ceiling, 500, 10, overloaded=True)[-1] == 1
    assert advance(LoadCeiling(), 500, 0, overloaded=True)[-1] == 1


def test_it_rises_slower_than_it_fell_and_stays_while_it_is_needed(
    lowered: LoadCeiling,
) -> None:
    before = lowered.limit
    limits = advance(lowered, 30, int(before), needed=True)
    assert all(a < b < inf for a, b in pairwise(limits))
    assert limits[-1] < 100


def test_it_goes_when_it_holds_nothing_back(lowered: LoadCeiling) -> None:
    assert advance(lowered, 200, 3)[-1] == inf


def test_a_ceiling_of_one_rises_too() -> None:
    ceiling = LoadCeiling()
    advance(ceiling, 500, 1, overloaded=True)
    assert advance(ceiling, 10, 1, needed=True)[-1] == pytest.approx(2)
