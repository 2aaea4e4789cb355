"""Overrides, trips and drills by an operator."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    BreakerStateError,
    Reason,
    ShadowTransition,
    Slo,
    State,
    ThresholdCleared,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.driven_calls import FAST, SLOW, calls, recover

MakeBreaker = Callable[..., Breaker]


# --- what an operator says


def test_disable_lets_all_pass_and_enable_resets(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300)
    breaker.disable()
    assert calls(breaker, clock, 50, SLOW) == 50
    assert (breaker.state, breaker.enabled) == (State.DISABLED, False)
    with pytest.raises(BreakerStateError, match="DISABLED; enable it first"):
        breaker.trip()
    breaker.reset()
    assert breaker.state is State.DISABLED
    breaker.enable()
    assert (breaker.state, breaker.enabled) == (State.CLOSED, True)
    assert breaker.status()["window_calls"] == 0


def test_force_open_rejects_until_reset(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    breaker.force_open("maintenance of the database")
    clock.advance(1000)
    assert calls(breaker, clock, 10, FAST) == 0
    assert breaker.status()["note"] == "maintenance of the database"
    assert breaker.rejection().reason == "forced_open"
    assert breaker.retry_after == 0
    breaker.reset()
    assert breaker.state is State.CLOSED


def test_observe_decides_and_rejects_nothing(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, wait_time=100)
    breaker.observe()
    assert calls(breaker, clock, 30, SLOW) == 30
    assert breaker.state is State.OBSERVE
    assert not breaker.triggered
    status = breaker.status()
    assert status["would_be_state"] == "OPEN"
    assert status["would_reject"] == 20
    (seen,) = log.of(ShadowTransition)
    assert (seen.from_state, seen.to_state, seen.reason) == ("CLOSED", "OPEN", "latency")
    clock.advance(100)
    for _ in range(200):
        assert simulate_call(breaker, clock, FAST)
    assert breaker.status()["would_be_state"] == "CLOSED"
    assert [t.to_state for t in log.of(Transition)] == [State.OBSERVE]
    breaker.enable()
    assert breaker.state is State.CLOSED


def test_trip_opens_with_a_note_and_begins_the_wait_anew(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    breaker.trip("the bank is down")
    clock.advance(6)
    breaker.trip()
    assert breaker.retry_after == pytest.approx(10)
    assert breaker.state is State.OPEN


def test_reset_forgets_the_failures_of_the_outage(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=Slo(success_rate=0.95, timeout=2, warmup=0))
    calls(breaker, clock, 600, FAST)
    calls(breaker, clock, 600, FAST, error=True)
    for _ in range(1000):
        clock.advance(0.1)
        simulate_call(breaker, clock, FAST, error=True)
    assert breaker.state is State.HALF_OPEN
    breaker.reset()
    calls(breaker, clock, 1, FAST, error=True)
    assert breaker.state is State.CLOSED, "one failure shows nothing"


def test_reset_closes_and_forgets(make: MakeBreaker, clock: ManualClock, log: EventLog) -> None:
    breaker = make(latency_threshold=300)
    calls(breaker, clock, 10, SLOW)
    breaker.reset()
    assert breaker.state is State.CLOSED
    assert calls(breaker, clock, 9, SLOW) == 9
    assert log.of(Transition)[-1].reason is Reason.RESET
    assert log.of(ThresholdCleared)


# --- drills


@pytest.mark.parametrize("trend", [False, True])
def test_a_latency_drill_takes_the_real_path(
    make: MakeBreaker, clock: ManualClock, log: EventLog, *, trend: bool
) -> None:
    breaker = make(latency_threshold=300, trend_analysis_enabled=trend)
    calls(breaker, clock, 64, FAST)
    before = breaker.counters()
    breaker.drills.latency()
    assert breaker.state is State.OPEN
    assert breaker.counters().success == before.success
    assert breaker.in_flight == 0
    assert breaker.status()["drill"]
    (trip,) = log.of(Transition)
    assert trip.drill
    assert trip.reason is Reason.LATENCY
    with pytest.raises(BreakerStateError, match="drill needs it closed"):
        breaker.drills.latency()
    recover(breaker, clock)
    assert log.of(Transition)[-1].drill
    assert not breaker.status()["drill"]


def test_a_probe_that_fails_after_a_drill_is_real(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, wait_time=10)
    breaker.drills.latency()
    clock.advance(10)
    assert simulate_call(breaker, clock, SLOW)
    assert breaker.state is State.OPEN
    assert [t.drill for t in log.of(Transition)] == [True, True, False]
    assert not breaker.status()["drill"]


def test_a_memory_drill_lasts_until_it_is_ended(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make()
    breaker.drills.memory()
    assert breaker.state is State.OPEN
    assert log.of(Transition)[0].drill
    clock.advance(100)
    breaker.tick()
    assert not breaker.memory_ok
    breaker.drills.end_memory()
    assert breaker.memory_ok
    recover(breaker, clock)
    assert not breaker.status()["drill"]


def test_reset_ends_a_memory_drill(make: MakeBreaker) -> None:
    breaker = make()
    breaker.drills.memory()
    breaker.reset()
    assert breaker.state is State.CLOSED
    assert breaker.memory_ok


def test_no_drill_where_it_would_show_nothing(make: MakeBreaker) -> None:
    breaker = make()
    breaker.disable()
    with pytest.raises(BreakerStateError):
        breaker.drills.memory()
    with pytest.raises(BreakerStateError):
        breaker.drills.latency()
