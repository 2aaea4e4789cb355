from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

from breakerd import (
    Breaker,
    Reason,
    Settings,
    Signal,
    Slo,
    State,
    ThresholdBreached,
    Transition,
)
from breakerd.breaker.signals.service_level import SloSignal
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

MakeBreaker = Callable[..., Breaker]

SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 30.0}


def calls(breaker: Breaker, clock: ManualClock, count: int, *, failing: int = 0) -> int:
    """So many calls, of each ten `failing` fail; returns how many were let in."""
    return sum(simulate_call(breaker, clock, 20, error=i % 10 < failing) for i in range(count))


def test_warms_up_first(make: MakeBreaker, clock: ManualClock, log: EventLog) -> None:
    breaker = make(slo=SLO)
    assert breaker.state is State.WARMING_UP
    assert calls(breaker, clock, 100, failing=5) == 100
    assert breaker.state is State.WARMING_UP
    clock.advance(30)
    breaker.tick()
    assert breaker.state is State.CLOSED
    assert log.of(Transition)[0].reason is Reason.WARMUP_ENDED
    assert make(slo=SLO | {"warmup": 0.0}).state is State.CLOSED


def test_total_failure_opens_even_while_warming_up(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(slo=SLO)
    assert calls(breaker, clock, 20, failing=10) == 6
    assert breaker.state is State.OPEN
    (trip,) = log.of(Transition)
    assert trip.reason is Reason.FAILURE_STREAK
    assert trip.evidence[0].sentence() == "6 calls in a row fail or hang (time-out 1 s)"


def test_missing_the_level_is_told_and_rejects_nothing(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(slo=SLO | {"warmup": 0.0})
    assert calls(breaker, clock, 300, failing=3) == 300
    assert breaker.state is State.CLOSED
    assert [breach.signal for breach in log.of(ThresholdBreached)] == [Signal.SLO]
    report = breaker.status()["slo"]
    assert report is not None
    assert report["missed"]
    assert report["observed_success_rate"] == pytest.approx(0.7, abs=0.05)
    assert report["stated_success_rate"] == 0.95


def test_a_few_failures_within_the_budget_are_no_breach(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(slo=SLO | {"warmup": 0.0, "success_rate": 0.85})
    calls(breaker, clock, 300, failing=1)
    assert log == []


def test_calls_over_the_timeout_have_failed(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO)
    for _ in range(10):
        simulate_call(breaker, clock, 1001)
    assert breaker.state is State.OPEN
    clock.advance(10)
    assert simulate_call(breaker, clock, 1001)
    assert breaker.state is State.HALF_OPEN, "so has the probe: no call goes but the next one"
    assert not breaker.allow()


def test_the_default_threshold_does_not_count_beside_a_level(
    make: MakeBreaker, clock: ManualClock
) -> None:
    alone = make(slo=SLO | {"warmup": 0.0, "timeout": 5.0})
    both = make(slo=SLO | {"warmup": 0.0, "timeout": 5.0}, latency_threshold=300)
    for _ in range(20):
        simulate_call(alone, clock, 2000)
        simulate_call(both, clock, 2000)
    assert alone.state is State.CLOSED
    assert alone.latency_ok
    assert both.triggered


def test_a_restart_goes_on_warming_up(make: MakeBreaker) -> None:
    old, new = make(slo=SLO), make(slo=SLO)
    new.restore(old.snapshot())
    assert new.state is State.WARMING_UP
    new.reset()
    assert new.state is State.CLOSED


def test_an_explicit_error_threshold_still_does_what_it_says(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(slo=SLO | {"warmup": 0.0}, error_threshold=0.2)
    calls(breaker, clock, 20, failing=3)
    assert breaker.state is State.OPEN


def test_the_evidence_of_a_streak() -> None:
    evidence = SloSignal(Settings(slo=Slo(success_rate=0.987654321, timeout=2.5))).streak_evidence(
        7
    )
    assert (evidence.signal, evidence.value, evidence.threshold) == (Signal.SLO, 1.0, 0.012346)
    assert (evidence.unit, evidence.samples) == ("fraction", 7)
    assert evidence.detail == {"failed_calls": 7, "timeout_s": 2.5}


def test_without_a_level_no_call_is_late_and_all_may_fail() -> None:
    signal = SloSignal(Settings())
    assert signal.timeout == inf
    assert signal.streak_evidence(1).threshold == 1.0


def test_a_level_needs_both_numbers() -> None:
    with pytest.raises(ValueError, match="timeout"):
        Settings.model_validate({"slo": {"success_rate": 0.9}})
    assert Slo(success_rate=0.9, timeout=1).warmup == 60


def test_a_shorter_timeout_does_not_move_the_latency_threshold(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(slo=SLO | {"warmup": 0.0}, latency_threshold=1500)
    calls(breaker, clock, 50)
    for _ in range(5):
        simulate_call(breaker, clock, 1200)
    assert breaker.latency_ok
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("timeout", [0.2, 60.0])
def test_a_latency_drill_trips_by_the_level_alone(make: MakeBreaker, timeout: float) -> None:
    breaker = make(slo=SLO | {"warmup": 0.0, "timeout": timeout})
    breaker.drills.latency()
    assert breaker.state is State.OPEN
    assert breaker.status()["drill"]
