"""The way back: probes, ramp, and calls of earlier generations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    Reason,
    RecoverySettings,
    RecoveryStep,
    Settings,
    State,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.driven_calls import FAST, SLOW, calls, recover

MakeBreaker = Callable[..., Breaker]


# --- recovery


def test_recovers_by_probes_and_a_ramp(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, wait_time=10, recovery={"step_time": 1.0})
    calls(breaker, clock, 10, SLOW)
    assert breaker.retry_after == pytest.approx(10)
    clock.advance(10)
    started = []
    for _ in range(3):
        assert breaker.allow()
        started.append(clock())
    assert breaker.state is State.HALF_OPEN
    assert not breaker.allow(), "three probes at once and no more"
    clock.advance(0.1)
    for start in started:
        breaker.done(start, clock())
    shares = []
    for _ in range(3):
        start, admitted = clock(), sum(breaker.allow() for _ in range(100))
        shares.append(admitted)
        clock.advance(0.1)
        for _ in range(admitted):
            breaker.done(start, clock())
        clock.advance(0.9)
        breaker.tick()
    assert shares == [10, 25, 50]
    assert breaker.state is State.CLOSED
    assert [step.share for step in log.of(RecoveryStep)] == [0.1, 0.25, 0.5]
    assert log.of(Transition)[-1].reason is Reason.RECOVERED


@pytest.mark.parametrize(("ms", "error"), [(SLOW, False), (FAST, True)])
def test_a_failed_probe_opens_again_and_only_the_third_waits_twice_as_long(
    make: MakeBreaker, clock: ManualClock, log: EventLog, ms: float, *, error: bool
) -> None:
    breaker = make(latency_threshold=300, wait_time=10)
    calls(breaker, clock, 10, SLOW)
    waits = [breaker.retry_after]
    for _ in range(7):
        clock.advance(breaker.retry_after)
        assert simulate_call(breaker, clock, ms, error=error)
        assert breaker.state is State.OPEN
        waits.append(breaker.retry_after)
    assert waits == pytest.approx([10, 10, 10, 20, 40, 80, 120, 120])
    last = log.of(Transition)[-1]
    assert last.reason is Reason.PROBE_FAILED
    assert last.evidence[0].samples == 1
    assert last.evidence[0].sentence()


def test_a_lost_probe_frees_its_place(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(recovery={"probes": 2, "probe_timeout": 5.0})
    breaker.trip()
    clock.advance(10)
    assert [breaker.allow() for _ in range(3)] == [True, True, False]
    clock.advance(5)
    assert [breaker.allow() for _ in range(3)] == [True, True, False]
    report = breaker.status()["recovery"]
    assert report is not None
    assert (report["lost_probes"], report["probes_in_flight"]) == (2, 2)


def test_a_bad_step_goes_back_one_and_the_first_one_opens(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, minimum_calls=5, recovery={"step_time": 1.0})
    breaker.trip()
    clock.advance(10)
    calls(breaker, clock, 3, FAST)
    clock.advance(1)
    breaker.tick()
    assert breaker.status()["recovery"]["share"] == 0.25  # type: ignore[index]
    while len(log.of(RecoveryStep)) == 2:
        simulate_call(breaker, clock, SLOW / 10 * 8)
    back = log.of(RecoveryStep)[-1]
    assert (back.share, back.forward) == (0.1, False)
    assert back.evidence
    while breaker.state is State.HALF_OPEN:
        simulate_call(breaker, clock, SLOW / 10 * 8)
    assert log.of(Transition)[-1].reason is Reason.RAMP_FAILED
    recover(breaker, clock)


def test_recovery_without_a_ramp(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(recovery={"ramp": (), "probes": 1})
    breaker.trip()
    clock.advance(10)
    assert simulate_call(breaker, clock, FAST)
    assert breaker.state is State.CLOSED


def test_a_ramp_passes_without_traffic(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(recovery={"probes": 1})
    breaker.trip()
    clock.advance(10)
    simulate_call(breaker, clock, FAST)
    for _ in range(3):
        clock.advance(1)
        breaker.tick()
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("ramp", [(), (0.3,)])
def test_a_ramp_that_becomes_shorter_goes_on_from_there(
    make: MakeBreaker, clock: ManualClock, ramp: tuple[float, ...]
) -> None:
    breaker = make(recovery={"probes": 1})
    breaker.trip()
    clock.advance(10)
    simulate_call(breaker, clock, FAST)
    for _ in range(2):
        clock.advance(1)
        breaker.tick()
    breaker.apply(Settings(recovery=RecoverySettings(probes=1, ramp=ramp)))
    assert breaker.status()["recovery"]["share"] == (ramp[0] if ramp else 0)  # type: ignore[index]
    clock.advance(1)
    breaker.tick()
    assert breaker.state is State.CLOSED


def test_fewer_probes_than_went_well_are_enough(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(recovery={"probes": 3, "ramp": ()})
    breaker.trip()
    clock.advance(10)
    for _ in range(2):
        assert simulate_call(breaker, clock, FAST)
    breaker.apply(Settings(recovery=RecoverySettings(probes=2, ramp=())))
    breaker.tick()
    assert breaker.state is State.CLOSED


# --- generations


def test_late_results_decide_nothing(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300)
    early = [clock() for _ in range(200) if breaker.allow()]
    clock.advance(0.1)
    calls(breaker, clock, 10, SLOW)
    clock.advance(10)
    breaker.tick()
    assert breaker.state is State.HALF_OPEN
    for start in early[:100]:
        breaker.done(start, clock(), error=True)
    assert breaker.state is State.HALF_OPEN
    recover(breaker, clock)
    for start in early[100:]:
        breaker.done(start, clock())
    assert breaker.state is State.CLOSED
    assert breaker.in_flight == 0
    assert breaker.counters().error == 100


def test_results_that_nobody_waits_for_decide_nothing(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    breaker.trip()
    start = clock()
    clock.advance(1)
    breaker.done(start, clock(), error=True)
    clock.advance(9)
    breaker.tick()
    breaker.done(clock(), clock(), error=True)
    assert breaker.state is State.HALF_OPEN


def test_calls_that_never_report_are_forgotten(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_max_age=60)
    for _ in range(5):
        breaker.allow()
    assert breaker.in_flight == 5
    breaker.tick()
    clock.advance(61)
    breaker.tick()
    assert breaker.in_flight == 0
