"""Calls in flight that are older than the latency threshold are slow, before any of them ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, Reason, Signal, State, ThresholdBreached, Transition
from breakerd.breaker.testing import EventLog, ManualClock

MakeBreaker = Callable[..., Breaker]

STEP = 0.05


def serve(breaker: Breaker, clock: ManualClock, seconds: float, *, took: float = 0.05) -> None:
    """Let a call begin and end every 50 ms."""
    for _ in range(round(seconds / took)):
        if breaker.allow():
            start = clock()
            clock.advance(took)
            breaker.done(start, clock())
        else:
            clock.advance(took)


def hang(breaker: Breaker, clock: ManualClock, seconds: float) -> int:
    """Let a call begin every 50 ms that never ends; return how many passed."""
    passed = 0
    for _ in range(round(seconds / STEP)):
        passed += breaker.allow()
        clock.advance(STEP)
    return passed


def hang_together(breaker: Breaker, clock: ManualClock, workers: int, seconds: float) -> None:
    """Let so many calls begin at once, as of workers that wait for them, and tick."""
    for _ in range(workers):
        assert breaker.allow()
    wait(breaker, clock, seconds)


def wait(breaker: Breaker, clock: ManualClock, seconds: float) -> None:
    for _ in range(round(seconds / 0.5)):
        clock.advance(0.5)
        breaker.tick()


def opening(log: EventLog) -> Transition:
    (found,) = [each for each in log.of(Transition) if each.to_state is State.OPEN]
    return found


def test_a_hang_opens_with_default_settings(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make()
    serve(breaker, clock, 10)
    hangs_at = clock()
    hang(breaker, clock, 5)
    trip = opening(log)
    assert trip.reason is Reason.LATENCY
    assert hangs_at + 1.5 <= trip.monotonic <= hangs_at + 2.6
    (evidence,) = trip.evidence
    assert evidence.signal is Signal.LATENCY
    assert evidence.unit == "ms"
    assert evidence.threshold == 1500
    assert evidence.value >= 1500
    assert evidence.detail["hung_calls"] == evidence.samples > 0
    assert "in flight, none has returned for" in evidence.sentence()
    (breach,) = log.of(ThresholdBreached)
    assert breach.evidence == evidence


def test_a_hang_from_the_first_call_on_opens_too(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make()
    hang(breaker, clock, 4)
    assert opening(log).evidence[0].sentence().endswith("(limit 1.5 s)")


def test_workers_that_all_wait_are_seen_though_no_further_call_begins(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make()
    for _ in range(40):
        starts = [clock() for _ in range(16) if breaker.allow()]
        clock.advance(0.25)
        for start in starts:
            breaker.done(start, clock())
    hang_together(breaker, clock, 16, 3)
    assert breaker.triggered
    assert opening(log).evidence[0].detail["in_flight"] == 16


def test_status_tells_the_hang_of_now(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    serve(breaker, clock, 5)
    hang(breaker, clock, 3)
    status = breaker.status()
    assert status["triggered"]
    assert status["reason"] == "latency"
    assert not status["latency_ok"]
    assert not breaker.latency_ok
    wait(breaker, clock, 120)
    status = breaker.status()
    (evidence,) = status["evidence"]
    assert float(evidence["detail"]["last_return_s"]) > 120
    assert evidence["sentence"].endswith("none has returned for 2 min (limit 1.5 s)")
    assert status["hung_calls"] == evidence["detail"]["hung_calls"]
    assert status["hung_calls"] > 30
    assert [each["sentence"] for each in status["breaches"]] == [evidence["sentence"]]


@pytest.mark.parametrize("calls", [1, 9])
def test_fewer_calls_than_the_minimum_do_not_open(
    calls: int, make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    hang_together(breaker, clock, calls, 30)
    assert breaker.state is State.CLOSED
    assert breaker.status()["hung_calls"] == calls


def test_calls_that_hang_join_those_that_ended(make: MakeBreaker, clock: ManualClock) -> None:
    """64 calls ended in time; with 4 more the 95th percentile is above the threshold."""
    breaker = make()
    serve(breaker, clock, 5)
    hang_together(breaker, clock, 3, 5)
    assert breaker.state is State.CLOSED
    hang_together(breaker, clock, 1, 3)
    assert breaker.state is State.OPEN


def test_a_call_that_hung_and_ends_counts_once(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    for number in range(10):
        assert breaker.allow(), number
        start = clock()
        wait(breaker, clock, 2)
        breaker.done(start, clock())
    assert breaker.state is State.OPEN


def test_slow_calls_that_end_are_no_answer(make: MakeBreaker, clock: ManualClock) -> None:
    """Callers give up after 2 s: each call ends, and none in time."""
    breaker = make(minimum_calls=30)
    serve(breaker, clock, 2)
    begun: list[float] = []
    while not breaker.triggered:
        if breaker.allow():
            begun.append(clock())
        clock.advance(STEP)
        while begun and begun[0] <= clock() - 2:
            breaker.done(begun.pop(0), clock())
        assert clock() < 1010
    assert "calls in flight" in breaker.status()["evidence"][0]["sentence"]


# --- what is no hang


def test_calls_that_are_never_reported_do_not_open_a_quiet_breaker(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    for _ in range(50):
        serve(breaker, clock, 0.5)
        breaker.allow()  # whose `done` is forgotten
    for _ in range(100):
        serve(breaker, clock, 0.05)
        wait(breaker, clock, 5)
    assert breaker.in_flight == 50
    assert breaker.state is State.CLOSED


def test_calls_that_are_never_reported_do_not_open_after_a_burst(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    for _ in range(50):
        serve(breaker, clock, 0.5)
        breaker.allow()
    for _ in range(5):
        serve(breaker, clock, 10, took=0.01)
        wait(breaker, clock, 20)
    assert breaker.state is State.CLOSED
    hang(breaker, clock, 5)
    assert breaker.triggered


def test_long_calls_of_a_quiet_service_do_not_open_it(
    make: MakeBreaker, clock: ManualClock
) -> None:
    """One call of fifty takes ten minutes, the others a tenth of a second."""
    breaker = make()
    for n in range(500):
        if n % 50 == 0:
            breaker.allow()
        serve(breaker, clock, 0.1, took=0.1)
        wait(breaker, clock, 3)
    assert breaker.state is State.CLOSED


def test_calls_of_an_earlier_generation_do_not_count(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    hang(breaker, clock, 3)
    assert breaker.triggered
    breaker.reset()
    wait(breaker, clock, 30)
    assert breaker.state is State.CLOSED
    hang(breaker, clock, 4)
    assert breaker.triggered


def test_abandoned_calls_show_nothing_before_they_are_slow(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    begun: list[float] = []
    for _ in range(400):
        if breaker.allow():
            begun.append(clock())
        clock.advance(STEP)
        while begun and begun[0] <= clock() - 1:
            breaker.abandon(begun.pop(0))
    assert breaker.state is State.CLOSED


# --- beside other settings


def test_beside_a_service_level_only_a_stated_threshold_counts(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    slo = {"success_rate": 0.99, "timeout": 20.0, "warmup": 0.0}
    default, stated = make(slo=slo), make(slo=slo, latency_threshold=800)
    hang_together(default, clock, 30, 10)
    assert default.state is State.CLOSED
    hang_together(stated, clock, 30, 10)
    assert opening(log).reason is Reason.LATENCY


def test_a_threshold_longer_than_calls_are_kept_counts_too(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    """Nothing happens for longer than `latency_max_age`, and yet the calls are not lost."""
    breaker = make(latency_threshold=120_000, latency_max_age=60)
    hang_together(breaker, clock, 20, 130)
    assert opening(log).reason is Reason.LATENCY


def test_with_trend_analysis_a_hang_must_last_for_two_thresholds(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(trend_analysis_enabled=True)
    serve(breaker, clock, 5)
    hangs_at = clock()
    hang(breaker, clock, 6)
    assert hangs_at + 3 <= opening(log).monotonic <= hangs_at + 4.1


def test_a_standstill_does_not_open_with_trend_analysis(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(trend_analysis_enabled=True)
    serve(breaker, clock, 5)
    starts = [clock() for _ in range(20) if breaker.allow()]
    wait(breaker, clock, 2.5)
    for start in starts:
        breaker.done(start, clock())
    serve(breaker, clock, 1)
    assert breaker.state is State.CLOSED


def test_a_limit_that_all_calls_fill_waives_the_minimum(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(limiter={"enabled": True, "max_limit": 4})
    hang_together(breaker, clock, 4, 2)
    assert breaker.state is State.CLOSED
    wait(breaker, clock, 2)
    assert breaker.state is State.OPEN


def test_a_ramp_on_which_calls_hang_steps_back(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300, recovery={"step_time": 30.0, "probes": 1}, wait_time=5)
    breaker.trip()
    clock.advance(5)
    serve(breaker, clock, 0.05)
    assert breaker.state is State.HALF_OPEN
    wait(breaker, clock, 0.5)
    for _ in range(200):
        breaker.allow()
    wait(breaker, clock, 2)
    assert breaker.state is State.OPEN
    assert breaker.status()["reason"] == "ramp_failed"


def test_probes_that_hang_keep_it_from_closing(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    hang(breaker, clock, 3)
    hang(breaker, clock, 180)
    assert breaker.state in {State.OPEN, State.HALF_OPEN}
    assert breaker.status()["reason"] == "latency"


@pytest.mark.parametrize("trouble", ["hang", "slow", "errors"])
def test_under_observe_it_would_not_close_while_trouble_lasts(
    trouble: str, make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    breaker.observe()
    serve(breaker, clock, 5)
    assert breaker.would_be_state is State.CLOSED
    begun: list[float] = []
    would_be = []
    seconds = 2.0 if trouble == "slow" else 0.02
    for n in range(round(300 / STEP)):
        assert breaker.allow()
        begun.append(clock())
        clock.advance(STEP)
        while trouble != "hang" and begun and begun[0] <= clock() - seconds:
            breaker.done(begun.pop(0), clock(), error=trouble == "errors")
        if n * STEP > 5:
            would_be.append(breaker.would_be_state)
    assert set(would_be) <= {State.OPEN, State.HALF_OPEN}
    assert breaker.state is State.OBSERVE
    breaker.enable()
    assert breaker.would_be_state is None
