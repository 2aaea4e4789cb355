"""Figures of a breaker are written as JSON, read back, and added up."""

from __future__ import annotations

import json
from collections import Counter
from math import inf

import pytest

from breakerd import Breaker
from breakerd.breaker.fleet.host_counters.figures import (
    Figures,
    Gauges,
    Totals,
    decode,
    encode,
    read_figures,
)
from breakerd.breaker.testing import ManualClock, simulate_call


def used() -> Breaker:
    clock = ManualClock()
    breaker = Breaker(clock=clock, memory=lambda: None)
    for milliseconds in (2, 20, 40_000):
        simulate_call(breaker, clock, milliseconds)
    simulate_call(breaker, clock, 20, error=True)
    breaker.trip()
    return breaker


def test_they_are_those_of_the_breaker_and_survive_the_file() -> None:
    breaker = used()
    figures = decode(encode(read_figures(breaker)))
    counters = breaker.counters()
    assert (figures.totals.success, figures.totals.error) == (3, 1)
    assert tuple(figures.totals.cumulative()) == counters.duration_buckets
    assert figures.totals.seconds == counters.duration_sum
    assert figures.totals.transitions == counters.transitions
    assert figures.gauges == Gauges(Counter(OPEN=1), 0, inf, 0)
    assert figures == read_figures(breaker)


def test_sums_gain_and_lose_what_is_added() -> None:
    one = read_figures(used()).totals
    total = Totals()
    total.add(one)
    total.add(one)
    assert (total.success, total.seconds) == (6, 2 * one.seconds)
    assert total.cumulative()[-1] == (inf, 8)
    total.add(one, -1)
    assert total == one
    gauges = Gauges(Counter(OPEN=1), 2, 10.0, 1)
    gauges.add(Gauges(Counter(CLOSED=1), 3, 5.0, 0))
    assert gauges == Gauges(Counter(OPEN=1, CLOSED=1), 5, 15.0, 1)


def test_a_bound_of_another_version_counts_for_the_next_one() -> None:
    totals = Totals(durations=Counter({0.07: 2, 60.0: 1}))
    assert dict(totals.cumulative())[0.05] == 0
    assert dict(totals.cumulative())[0.1] == 2
    assert dict(totals.cumulative())[inf] == 3


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", "null", "[[1,2,3,4],[],[],{},[0,0,0]]", "[[1,2,3,4,5],[],[],[],[0,0,0]]"],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


def test_no_infinity_is_in_the_json() -> None:
    text = encode(Figures(Totals(durations=Counter({inf: 1})), Gauges(limit=inf)))
    json.loads(text, parse_constant=pytest.fail)
    assert decode(text).gauges.limit == inf
