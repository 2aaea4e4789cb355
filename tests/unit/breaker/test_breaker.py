from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    BreakerStateError,
    Reason,
    RecoverySettings,
    RecoveryStep,
    Settings,
    SettingsChanged,
    ShadowTransition,
    Signal,
    State,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
)
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.locked_breaker import Locked

MakeBreaker = Callable[..., Breaker]
FAST, SLOW = 50, 500


def calls(
    breaker: Breaker, clock: ManualClock, count: int, ms: float, *, error: bool = False
) -> int:
    return sum(simulate_call(breaker, clock, ms, error=error) for _ in range(count))


def recover(breaker: Breaker, clock: ManualClock, ms: float = FAST) -> None:
    clock.advance(breaker.retry_after)
    for _ in range(2000):
        if breaker.state is State.CLOSED:
            return
        if not simulate_call(breaker, clock, ms):
            clock.advance(0.01)
    pytest.fail(f"still {breaker.state}")


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
    assert trip.retry_in == 10
    assert "p95 latency 500 ms (limit 300 ms, 64 calls" in evidence.sentence()


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


def test_errors_trip_only_where_a_threshold_is_set(make: MakeBreaker, clock: ManualClock) -> None:
    indifferent, strict = make(), make(error_threshold=0.5)
    calls(indifferent, clock, 100, FAST, error=True)
    assert indifferent.state is State.CLOSED
    for _ in range(5):
        simulate_call(strict, clock, FAST)
    assert calls(strict, clock, 6, FAST, error=True) == 6
    assert strict.state is State.OPEN
    assert strict.status()["reason"] == "errors"
    assert strict.rejection().reason == "errors"


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


def test_unknown_memory_trips_nothing(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(memory=lambda: None)
    clock.advance(5)
    breaker.tick()
    assert breaker.state is State.CLOSED
    assert breaker.memory_ok
    assert not breaker.status()["memory_known"]


# --- recovery


def test_recovers_by_probes_and_a_ramp(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=300)
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
        shares.append(sum(breaker.allow() for _ in range(100)))
        clock.advance(1)
        breaker.tick()
    assert shares == [10, 25, 50]
    assert breaker.state is State.CLOSED
    assert [step.share for step in log.of(RecoveryStep)] == [0.1, 0.25, 0.5]
    assert log.of(Transition)[-1].reason is Reason.RECOVERED


@pytest.mark.parametrize(("ms", "error"), [(SLOW, False), (FAST, True)])
def test_a_failed_probe_opens_again_and_waits_twice_as_long(
    make: MakeBreaker, clock: ManualClock, log: EventLog, ms: float, *, error: bool
) -> None:
    breaker = make(latency_threshold=300)
    calls(breaker, clock, 10, SLOW)
    waits = [breaker.retry_after]
    for _ in range(5):
        clock.advance(breaker.retry_after)
        assert simulate_call(breaker, clock, ms, error=error)
        assert breaker.state is State.OPEN
        waits.append(breaker.retry_after)
    assert waits == pytest.approx([10, 20, 40, 80, 120, 120])
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
    breaker = make(latency_threshold=300, minimum_calls=5)
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


# --- what is reported


@pytest.mark.parametrize(("start", "end"), [(0, math.nan), (math.nan, 0), (0, math.inf)])
def test_times_must_be_finite(make: MakeBreaker, start: float, end: float) -> None:
    breaker = make()
    with pytest.raises(ValueError, match="finite"):
        breaker.done(start, end)
    assert breaker.counters().success == 0


def test_a_clock_that_went_back_counts_as_no_time(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    breaker.done(clock(), clock() - 5)
    assert breaker.counters().duration_sum == 0


def test_counters(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=300)
    calls(breaker, clock, 3, FAST)
    calls(breaker, clock, 2, FAST, error=True)
    breaker.trip()
    calls(breaker, clock, 4, FAST)
    counters = breaker.counters()
    assert (counters.success, counters.error, counters.rejected) == (3, 2, 4)
    assert counters.duration_sum == pytest.approx(0.25)
    assert counters.duration_buckets[-1] == (math.inf, 5)
    assert dict(counters.duration_buckets)[0.1] == 5
    assert counters.transitions == {("CLOSED", "OPEN", "manual"): 1}


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
    breaker = make(latency_threshold=300)
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


# --- settings that change


def test_new_settings_keep_window_and_state(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=1500)
    calls(breaker, clock, 20, SLOW)
    breaker.apply(breaker.settings.model_copy(update={"latency_threshold": 300}))
    assert breaker.status()["window_calls"] == 20
    clock.advance(1)
    breaker.tick()
    assert breaker.state is State.OPEN
    breaker.apply(breaker.settings.model_copy(update={"latency_window_size": 8}))
    assert breaker.state is State.OPEN
    assert breaker.status()["window_calls"] == 8
    assert log.of(SettingsChanged)[-1].changed == {"latency_window_size": (64, 8)}
    told = len(log)
    breaker.apply(breaker.settings)
    assert len(log) == told


def test_a_new_memory_threshold_counts_at_once(make: MakeBreaker) -> None:
    breaker = make(memory=lambda: 0.5)
    breaker.apply(Settings(memory_threshold=40.0))
    assert breaker.state is State.OPEN


# --- the rest


def test_status_is_whole_where_go_clients_read_integers(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(latency_threshold=300.0, wait_time=10.0)
    simulate_call(breaker, clock, 12.6)
    status = breaker.status()
    for key in ("latency_threshold_ms", "wait_time_seconds", "current_percentile_ms"):
        assert isinstance(status[key], int)
    assert status["recent_latencies_ms"] == [13]
    assert status["current_percentile_exact_ms"] == pytest.approx(12.6)


def test_repr_says_which_and_how(make: MakeBreaker) -> None:
    assert repr(make()) == "<Breaker 'default' CLOSED>"


def test_the_hot_path_can_take_a_lock(clock: ManualClock) -> None:
    breaker = Locked(clock=clock, memory=lambda: 0.1)
    assert [breaker.allow() for _ in range(5000)] == [True] * 5000
    breaker.done(clock(), clock(), error=True)
    breaker.force_open()
    assert not breaker.allow()
    counters = breaker.counters()
    assert (counters.error, counters.in_flight, counters.rejected) == (1, 4999, 1)


def test_in_asyncio(make: MakeBreaker) -> None:
    breaker = make()

    async def work() -> None:
        async with breaker.guard():
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(100)))

    asyncio.run(main())
    assert breaker.counters().success == 100
