"""A hang in which every call is cut off by its caller is found as fast as any other."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Literal

import pytest

from breakerd import Breaker
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]
End = Literal["good", "error", "abandoned"]

HEALTHY, LONGEST = 20.0, 30.0
"""Seconds before the hang, and seconds of it."""


def time_to_open(
    breaker: Breaker, clock: ManualClock, rate: float, cut_offs: list[float], end: End
) -> float:
    """Return the seconds from the start of a hang until the breaker opens.

    Calls take 50 ms before it. In it each is cut off after the next of `cut_offs`, and reported
    as `end`.
    """
    began = clock.now
    hang_at, tick, calls = began + HEALTHY, began, 0
    under_way: list[tuple[float, float, End]] = []
    while clock.now < hang_at + LONGEST:
        due = under_way[0][0] if under_way else float("inf")
        begin = began + calls / rate
        clock.now = min(due, begin, tick)
        if clock.now == tick:
            breaker.tick()
            tick += 0.05
        elif clock.now == due:
            _, start, how = heappop(under_way)
            if how == "abandoned":
                breaker.abandon(start)
            else:
                breaker.done(start, clock.now, error=how == "error")
        else:
            calls += 1
            if breaker.allow():
                hangs = begin >= hang_at
                lasts = cut_offs[calls % len(cut_offs)] if hangs else 0.05
                heappush(under_way, (begin + lasts, begin, end if hangs else "good"))
        if breaker.triggered:
            assert clock.now >= hang_at, "it opened before the hang"
            return clock.now - hang_at
    return float("inf")


SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}
WAYS: dict[str, dict[str, object]] = {
    "slo": {"slo": SLO},
    "slo and limiter": {"slo": SLO, "limiter": {"enabled": True}},
    "latency": {"latency_threshold": 1000},
    "slo and latency": {"slo": SLO, "latency_threshold": 600},
}


@pytest.mark.parametrize("cut_off", [1.0, 1.2, 3.0])
@pytest.mark.parametrize("rate", [1.5, 10, 40, 150])
@pytest.mark.parametrize("way", WAYS)
def test_as_fast_as_by_a_time_out_of_the_call_itself(
    make: MakeBreaker, way: str, rate: float, cut_off: float
) -> None:
    found: dict[End, float] = {}
    for end in ("error", "abandoned"):
        clock = ManualClock()
        breaker = Breaker(make(**WAYS[way]).settings, clock=clock, memory=lambda: 0.1)
        found[end] = time_to_open(breaker, clock, rate, [cut_off], end)
    assert found["abandoned"] <= found["error"] + 1e-6
    if way != "slo and limiter":
        assert found["abandoned"] < cut_off + 6


@pytest.mark.parametrize("early", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rate", [3, 20, 80])
def test_calls_given_up_early_do_not_hide_those_that_hang(
    make: MakeBreaker, rate: float, early: float
) -> None:
    """As fast as if there were only the calls that show something, within a time-out."""
    found = {}
    for share, cut_offs in ((1, [1.2]), (2, [early, 1.2]), (4, [early, early, early, 1.2])):
        clock = ManualClock()
        breaker = Breaker(make(slo=SLO).settings, clock=clock, memory=lambda: 0.1)
        found[share] = time_to_open(breaker, clock, rate * share, cut_offs, "abandoned")
    assert found[1] < 6
    assert found[2] < found[1] + 1
    assert found[4] < found[1] + 1


@pytest.mark.parametrize("rate", [3, 20, 80])
def test_calls_given_up_early_open_nothing(make: MakeBreaker, rate: float) -> None:
    clock = ManualClock()
    breaker = Breaker(make(slo=SLO).settings, clock=clock, memory=lambda: 0.1)
    assert time_to_open(breaker, clock, rate, [0.3, 0.9], "abandoned") == float("inf")
    assert breaker.counters().abandoned > 20
