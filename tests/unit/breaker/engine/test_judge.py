"""When latency, errors and memory trip."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    Signal,
    State,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.driven_calls import FAST, SLOW, calls, recover

MakeBreaker = Callable[..., Breaker]


# --- latency


def test_trips_when_the_percentile_is_above_the_threshold(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, minimum_calls=10)
    calls(breaker, clock, 60, FAST)
    # p95 of the 62 latest is the 4th largest: three slow ones are not enough.
    assert calls(breaker, clock, 3, SLOW) == 3
    assert breaker.state is State.CLOSED
    calls(breaker, clock, 1, SLOW)
    assert breaker.state is State.OPEN
    assert breaker.triggered
    assert not breaker.latency_ok
    assert not breaker.allow()
    (trip,) = log.of(Transition)
    (evidence,) = trip.evidence
    assert (trip.from_state, trip.to_state, trip.reason) == ("CLOSED", "OPEN", "latency")
    assert (evidence.signal, evidence.value, evidence.threshold) == (Signal.LATENCY, 500, 300)
    assert evidence.samples == 64
    assert trip.retry_in == 0.25
    assert evidence.sentence() == "p95 500 ms (limit 300 ms)"


def test_one_slow_call_on_an_empty_window_does_not_trip(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(latency_threshold=300)
    calls(breaker, clock, 9, SLOW)
    assert breaker.state is State.CLOSED
    calls(breaker, clock, 1, FAST)
    assert breaker.state is State.OPEN, "the tenth call makes the window enough, fast as it is"


def test_a_window_below_the_minimum_counts_as_full(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300, latency_window_size=4)
    calls(breaker, clock, 3, SLOW)
    assert breaker.state is State.CLOSED
    calls(breaker, clock, 1, SLOW)
    assert breaker.state is State.OPEN


def test_old_calls_no_longer_count(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300, latency_max_age=5)
    calls(breaker, clock, 9, SLOW)
    clock.advance(5)
    calls(breaker, clock, 9, FAST)
    assert breaker.state is State.CLOSED
    assert breaker.latencies_above(300) == []


def test_latencies_above(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=1500)
    for ms in (100, 900, 300, 800):
        simulate_call(breaker, clock, ms)
    assert breaker.latencies_above(250) == pytest.approx([900, 300, 800])


@pytest.mark.parametrize(
    "latencies",
    [
        [310, 330, 320, 340, 330, 350, 340, 360, 350, 370],
        [310, 360, 320, 370, 330, 380, 340, 390, 350, 400],
        [310] * 3 + [350] * 3 + [390] * 3 + [430],
        [310, 320, 330, 340] + [350] * 6,
        [350] * 10,
        [400] * 3 + [380, 390, 385, 395, 390, 385, 395],
        list(range(500, 300, -20)),
    ],
)
@pytest.mark.parametrize("factor", [1, 10])
def test_trend_analysis_trips_at_the_tenth_call(
    make: MakeBreaker, clock: ManualClock, latencies: list[int], factor: int
) -> None:
    breaker = make(latency_threshold=300 * factor, trend_analysis_enabled=True)
    for ms in latencies[:9]:
        assert simulate_call(breaker, clock, ms * factor)
    assert breaker.state is State.CLOSED
    simulate_call(breaker, clock, latencies[9] * factor)
    assert breaker.state is State.OPEN


def test_trend_analysis_with_three_samples(make: MakeBreaker, clock: ManualClock) -> None:
    rising = make(
        latency_threshold=300, trend_analysis_enabled=True, trend_analysis_min_sample_count=3
    )
    falling = make(
        latency_threshold=300, trend_analysis_enabled=True, trend_analysis_min_sample_count=3
    )
    for up, down in ((310, 500), (320, 450), (330, 400)):
        assert simulate_call(rising, clock, up)
        assert simulate_call(falling, clock, down)
    assert rising.state is State.OPEN
    assert falling.state is State.CLOSED
    assert not falling.latency_ok


def test_trend_analysis_lets_a_stationary_share_of_slow_calls_pass(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, trend_analysis_enabled=True)
    pattern = [FAST, 80, SLOW, 60, 90, FAST, 70, 510, 55, 85]
    for _ in range(30):
        for ms in pattern:
            assert simulate_call(breaker, clock, ms)
    assert breaker.state is State.CLOSED
    breaches = log.of(ThresholdBreached)
    assert breaches
    assert all(breach.signal is Signal.LATENCY for breach in breaches)


# --- errors


@pytest.mark.parametrize(
    "settings",
    [
        {"error_threshold": 1.0},
        {"error_threshold": None},
        {"slo": {"success_rate": 0.99, "timeout": 5.0, "warmup": 3600.0}},
    ],
    ids=["1", "none", "service level"],
)
def test_errors_do_not_trip_where_no_threshold_is_in_force(
    settings: dict[str, object], make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(**settings)
    calls(breaker, clock, 100, FAST, error=True)
    assert breaker.status()["reason"] != "errors"
    assert breaker.status()["error_threshold"] is None
    assert "errors" not in {each["signal"] for each in breaker.status()["evidence"]}


@pytest.mark.parametrize("settings", [{}, {"error_threshold": 0.5}], ids=["default", "stated"])
def test_errors_trip(settings: dict[str, object], make: MakeBreaker, clock: ManualClock) -> None:
    strict = make(**settings)
    for _ in range(5):
        simulate_call(strict, clock, FAST)
    assert calls(strict, clock, 6, FAST, error=True) == 6
    assert strict.state is State.OPEN
    assert strict.status()["reason"] == "errors"
    assert strict.rejection().reason == "errors"
    assert strict.status()["evidence"][0]["sentence"] == "55% of calls fail (limit 50%)"


# --- memory


def test_memory_rejects_and_its_return_lets_the_recovery_begin(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    used: list[float | None] = [0.5]
    breaker = make(memory=lambda: used[0], memory_threshold=80.0, memory_hysteresis=2.0)
    used[0] = 0.8
    assert breaker.allow(), "memory is read by a timer, not by calls"
    clock.advance(0.5)
    breaker.tick()
    assert breaker.state is State.OPEN
    assert not breaker.memory_ok
    clock.advance(30)
    breaker.tick()
    assert breaker.state is State.OPEN, "the wait is over, but memory is still short"
    used[0] = 0.79
    clock.advance(1)
    breaker.tick()
    assert breaker.state is State.OPEN, "within the hysteresis"
    used[0] = 0.77
    clock.advance(1)
    breaker.tick()
    assert breaker.state is State.HALF_OPEN
    recover(breaker, clock)
    kinds = [
        (e.signal, type(e).__name__)
        for e in log
        if isinstance(e, ThresholdBreached | ThresholdCleared)
    ]
    assert kinds == [("memory", "ThresholdBreached"), ("memory", "ThresholdCleared")]
    (cleared,) = log.of(ThresholdCleared)
    assert (cleared.evidence.value, cleared.evidence.threshold) == (77.0, 80.0)


def test_what_clears_a_signal_is_the_evidence_of_being_well(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300, error_threshold=0.3, latency_window_size=20)
    calls(breaker, clock, 20, FAST)
    calls(breaker, clock, 10, SLOW, error=True)
    recover(breaker, clock)
    calls(breaker, clock, 20, FAST)
    calls(breaker, clock, 1, SLOW, error=True)
    cleared = {event.signal: event.evidence for event in log.of(ThresholdCleared)}
    assert set(cleared) == {Signal.LATENCY, Signal.ERRORS} & {
        event.signal for event in log.of(ThresholdBreached)
    }
    for evidence in cleared.values():
        assert evidence.value <= evidence.threshold
        assert evidence.samples > 0


def test_unknown_memory_trips_nothing(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(memory=lambda: None)
    clock.advance(5)
    breaker.tick()
    assert breaker.state is State.CLOSED
    assert breaker.memory_ok
    assert not breaker.status()["memory_known"]


# --- calls that others put into the window, or took out of it


def test_failures_reported_after_they_have_expired_are_no_row(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(error_threshold=0.5)
    for _ in range(64):
        calls(breaker, clock, 1, FAST)
        clock.advance(0.9)
    expired = clock() - 70
    for n in range(10):
        assert breaker.allow()
        breaker.done(expired + n, expired + n + 0.5, error=True)
    assert breaker.state is State.CLOSED, "none of them is in the window"


def standstill(breaker: Breaker, clock: ManualClock) -> list[float]:
    """Let 24 calls begin in 0.6 s, after which a dependency answers them all; return the starts."""
    calls(breaker, clock, 64, FAST)
    starts = []
    for _ in range(24):
        assert breaker.allow()
        starts.append(clock())
        clock.advance(0.025)
    return starts


def answer(breaker: Breaker, clock: ManualClock, starts: list[float]) -> None:
    for start in starts:
        breaker.done(start, clock())
        clock.advance(0.0001)


def test_a_change_of_settings_does_not_forget_that_slow_calls_came_together(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(latency_threshold=300, trend_analysis_enabled=True)
    starts = standstill(breaker, clock)
    answer(breaker, clock, starts[:8])
    breaker.apply(breaker.settings.model_copy(update={"error_threshold": 0.9}))
    answer(breaker, clock, starts[8:])
    assert breaker.state is State.CLOSED


def test_nor_does_a_restart(make: MakeBreaker, clock: ManualClock) -> None:
    before = make(latency_threshold=300, trend_analysis_enabled=True)
    starts = standstill(before, clock)
    answer(before, clock, starts[:12])
    after = make(latency_threshold=300, trend_analysis_enabled=True)
    after.restore(before.snapshot())
    clock.advance(0.5)
    after.tick()
    assert after.state is State.CLOSED


def test_a_change_of_settings_does_not_forget_failures_in_a_row(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(error_threshold=0.5)
    calls(breaker, clock, 64, FAST)
    calls(breaker, clock, 4, FAST, error=True)
    breaker.apply(breaker.settings.model_copy(update={"latency_threshold": 900}))
    assert breaker.state is State.CLOSED
    calls(breaker, clock, 1, FAST, error=True)
    assert breaker.state is State.OPEN
