"""The facade: what is reported, new settings, asyncio."""

from __future__ import annotations

import asyncio
import gc
import math
import weakref
from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    Settings,
    SettingsChanged,
    Slo,
    State,
)
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.driven_calls import FAST, SLOW, calls
from tests.support.locked_breaker import Locked

MakeBreaker = Callable[..., Breaker]


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


def test_it_is_freed_with_its_last_reference(clock: ManualClock) -> None:
    """Its parts form no cycle, so the ticker, which holds it weakly, need not wait for the GC."""
    breaker = Breaker(Settings(slo=Slo(success_rate=0.9, timeout=1)), clock=clock)
    with breaker.guard():
        clock.advance(1)
    breaker.trip()
    breaker.status()
    core = weakref.ref(breaker._core)
    gc.disable()
    try:
        del breaker
        assert core() is None
    finally:
        gc.enable()


def test_a_setting_that_is_only_written_out_takes_effect_without_an_event(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    slo = {"success_rate": 0.9, "timeout": 100.0, "warmup": 0.0}
    breaker = make(slo=slo)
    calls(breaker, clock, 10, 2000)
    assert breaker.state is State.CLOSED, "latency_threshold does not apply beside slo"
    breaker.apply(Settings.model_validate({"slo": slo, "latency_threshold": 1500.0}))
    assert not [event for event in log if isinstance(event, SettingsChanged)]
    calls(breaker, clock, 10, 2000)
    assert breaker.state is State.OPEN
