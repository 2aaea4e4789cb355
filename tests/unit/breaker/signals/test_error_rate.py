"""Errors: the share of the window, or failures in a row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, Reason, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock

MakeBreaker = Callable[..., Breaker]


@pytest.fixture
def breaker(make: MakeBreaker) -> Breaker:
    return make(error_threshold=0.5, wait_time=5)


def call(breaker: Breaker, clock: ManualClock, gap: float, *, error: bool = False) -> None:
    """One call that takes 2 ms, `gap` seconds after the one before."""
    clock.advance(gap)
    start = clock()
    if breaker.allow():
        clock.advance(0.002)
        breaker.done(start, clock(), error=error)


def failures_until_open(breaker: Breaker, clock: ManualClock, gap: float) -> int:
    for failures in range(100):
        if breaker.state is State.OPEN:
            return failures
        call(breaker, clock, gap, error=True)
    pytest.fail("it does not open")


def test_an_outage_of_a_quiet_service_opens_within_seconds(
    breaker: Breaker, clock: ManualClock, log: EventLog
) -> None:
    for _ in range(64):
        call(breaker, clock, 0.66)
    assert failures_until_open(breaker, clock, 0.66) == 5
    (trip,) = log.of(Transition)
    assert trip.reason is Reason.ERRORS
    assert trip.evidence[0].sentence() == "the last 5 calls failed"


def test_a_row_must_be_unusual_for_what_came_before(breaker: Breaker, clock: ManualClock) -> None:
    for n in range(63):
        call(breaker, clock, 0.66, error=n % 3 == 0)
    # At a third of failures, a row of twelve is one in a million; the window is half full by then.
    assert failures_until_open(breaker, clock, 0.66) >= 11


def test_a_row_does_not_open_below_the_minimum(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(error_threshold=0.5, minimum_calls=20)
    for _ in range(12):
        call(breaker, clock, 0.66)
    assert failures_until_open(breaker, clock, 0.66) >= 8


def test_calls_that_are_cut_off_together_are_one_failure(
    breaker: Breaker, clock: ManualClock
) -> None:
    for _ in range(64):
        call(breaker, clock, 0.02)
    starts = [clock() for _ in range(15) if breaker.allow()]
    for start in starts:
        clock.advance(0.02)
        breaker.done(start, clock(), error=True)
    assert breaker.state is State.CLOSED


def test_a_blip_of_a_busy_service_is_no_row(breaker: Breaker, clock: ManualClock) -> None:
    for _ in range(64):
        call(breaker, clock, 0.0001)
    for _ in range(20):
        call(breaker, clock, 0.0001, error=True)
    assert breaker.state is State.CLOSED, "42 ms"


def test_a_success_ends_the_row(breaker: Breaker, clock: ManualClock) -> None:
    for _ in range(64):
        call(breaker, clock, 0.66)
    for n in range(20):
        call(breaker, clock, 0.66, error=n % 4 != 3)
    assert breaker.state is State.CLOSED
