from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd import Breaker, BreakerOpenError, LoadReading, Registry, Settings, Slo, Transition
from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.testing import EventLog, ManualClock, take_over
from breakerd.breaker.testing.takeover import Takeover


@pytest.fixture
def payments() -> Iterator[Breaker]:
    """One on the real clock, as an application makes it on import."""
    breaker = Breaker(Settings(error_threshold=0.5, wait_time=10), name="payments")
    yield breaker
    breaker.close()


def test_existing_breakers_begin_closed_and_empty(payments: Breaker) -> None:
    payments.done(payments.clock(), payments.clock() + 0.1)
    payments.trip()
    with take_over() as breakers:
        handle = breakers["payments"]
        assert handle.breaker is payments
        assert payments.state == "CLOSED"
        assert payments.latencies_above(0) == []
        assert handle.counters.success == 0
        assert payments.settings.wait_time == 10


def test_afterwards_each_is_as_it_was(payments: Breaker) -> None:
    payments.done(payments.clock(), payments.clock() + 0.1)
    payments.trip("deploy")
    before = payments.snapshot()
    clock, guard, drills = payments.clock, type(payments.guard()), payments.drills
    with take_over() as breakers:
        breakers["payments"].close()
        breakers["payments"].fail(20)
        breakers.advance(1000)
        payments.apply(Settings(wait_time=99))
        payments.drills.memory()
    after = payments.snapshot()
    assert payments.clock is clock is time.monotonic
    assert type(payments.guard()) is guard
    assert type(payments.drills) is type(drills)
    assert payments.settings.wait_time == 10
    assert payments.state == "OPEN"
    assert payments.status()["note"] == "deploy"
    for times in (before, after):  # which are ages
        times.pop("saved_at")
    assert before.keys() == after.keys()
    assert payments.counters().transitions == {("CLOSED", "OPEN", "manual"): 1}


def test_also_if_the_test_fails(payments: Breaker) -> None:
    class Failed(Exception):  # noqa: N818 - of a test
        pass

    def fail() -> None:
        with take_over() as breakers:
            breakers["payments"].open()
            raise Failed

    with pytest.raises(Failed):
        fail()
    assert payments.state == "CLOSED"
    assert payments.clock is time.monotonic
    assert not BREAKERS.taken_over


def test_functions_decorated_before_and_guards_made_before_follow(payments: Breaker) -> None:
    @payments
    def charge() -> str:
        return "ok"

    guard = payments.guard()
    with take_over() as breakers:
        breakers["payments"].open()
        with pytest.raises(BreakerOpenError) as refused:
            charge()
        assert refused.value.retry_after == 10
        with pytest.raises(BreakerOpenError), guard:
            pass
        breakers.advance(10)
        assert charge() == "ok"
    assert charge() == "ok"
    assert payments.counters().success == 1


def test_breakers_made_meanwhile_are_taken_over_and_become_ordinary() -> None:
    with take_over() as breakers:
        registry = Registry(breakers={"orders": Settings(latency_threshold=50)})
        orders = registry.get("orders")
        late = registry.get("late")
        breakers["orders"].slow(10, 1)
        breakers["orders"].assert_opened("latency")
        assert late.clock is orders.clock
        assert late.clock is not time.monotonic
    assert orders.clock is late.clock is time.monotonic
    assert orders.state == "CLOSED"
    assert orders.counters().success == 0
    registry.close()


def test_a_breaker_that_a_test_drives_is_left_alone() -> None:
    clock = ManualClock()
    driven = Breaker(name="driven", clock=clock)
    simulated = Breaker(name="simulated", clock=lambda: clock.now, externally_ticked=True)
    driven.trip()
    with take_over() as breakers:
        assert {"driven", "simulated"}.isdisjoint(breakers.names)
        assert driven.state == "OPEN"
        breakers.advance(100)
        assert driven.state == "OPEN"
        assert simulated.clock() == clock.now


def test_a_clock_of_another_kind_is_replaced() -> None:
    other = Breaker(name="other", clock=time.perf_counter)
    with take_over() as breakers:
        breakers[other].open()
        breakers.advance(10)
        breakers[other].assert_state("HALF_OPEN")
    assert other.clock is time.perf_counter


def test_it_does_not_begin_by_warming_up() -> None:
    tuned = Breaker(Settings(slo=Slo(success_rate=0.99, timeout=1, warmup=300)), name="tuned")
    assert tuned.state == "WARMING_UP"
    with take_over() as breakers:
        assert tuned.state == "CLOSED"
        assert breakers["tuned"].transitions == ["CLOSED"]
        assert len(breakers.events) == 0
        assert breakers["tuned"].fail(20) < 20
        breakers["tuned"].assert_opened("failure_streak")
    assert tuned.state == "WARMING_UP"
    tuned.close()


def test_waits_have_no_chance_in_them(payments: Breaker) -> None:
    waits = set()
    for _ in range(20):
        with take_over() as breakers:
            breakers[payments].open()
            waits.add(payments.retry_after)
    assert waits == {10}


def test_memory_and_load_are_what_the_test_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def read() -> None:
        raise AssertionError("the host was read")

    settings = Settings.model_validate(
        {"memory_threshold": 80, "load": {"cpu_pressure_threshold": 50, "reject": True}}
    )
    breaker = Breaker(settings, name="host")
    with take_over() as breakers:
        monkeypatch.setattr("breakerd.breaker.runtime.readings.MEMORY.read", read)
        monkeypatch.setattr("breakerd.breaker.runtime.readings.LOAD.read", read)
        handle = breakers[breaker]
        assert breakers.memory is None
        assert breaker.memory_utilization is None
        breakers.memory = 0.9
        handle.assert_opened("memory")
        breakers.memory = 0.1
        breakers.advance(60)
        handle.succeed(200)
        breakers.advance(60)
        handle.assert_state("CLOSED")
        breakers.load = LoadReading(cpu_pressure=90)
        handle.assert_opened("load")
        assert breakers.load.cpu_pressure == 90
        monkeypatch.undo()
    assert breaker.memory_utilization != 0.1
    breaker.close()


@pytest.mark.parametrize("share", [-0.1, 90, float("nan")])
def test_memory_is_a_share(share: float) -> None:
    with take_over() as breakers, pytest.raises(ValueError, match="give the used share, 0 to 1"):
        breakers.memory = share


async def test_no_loop_is_watched(payments: Breaker) -> None:
    with take_over():
        payments.watch_loop()
        assert payments.machinery.core.readings.loop_lag.seconds is None


def test_listeners_of_the_application_hear_what_happens(payments: Breaker) -> None:
    log = EventLog()
    payments.subscribe(log)
    with take_over() as breakers:
        breakers["payments"].open()
        assert [event.to_state for event in log.of(Transition)] == ["OPEN"]
        assert breakers.events == log


def test_a_nested_one_begins_afresh_and_gives_back(payments: Breaker) -> None:
    with take_over() as outer:
        outer["payments"].open()
        outer.advance(4)
        with take_over() as inner:
            inner["payments"].assert_transitions("CLOSED")
            made = Breaker(name="made inside")
            inner.advance(1)
            inner["payments"].half_open()
            assert len(inner.events) == 2
        outer["payments"].assert_transitions("CLOSED", "OPEN")
        assert payments.retry_after == 6
        assert len(outer.events) == 1
        outer[made].open()
        outer.advance(6)
        outer["payments"].assert_state("HALF_OPEN")
        outer[made].assert_state("OPEN")
    assert made.clock is payments.clock is time.monotonic
    assert made.state == "CLOSED"
    made.close()


def test_a_process_has_one_set_of_breakers(payments: Breaker) -> None:
    raised: list[str] = []

    def other() -> None:
        try:
            with take_over():
                pass
        except RuntimeError as error:
            raised.append(str(error))

    with take_over():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(raised) == 1
    assert "pytest-xdist" in raised[0]
    with take_over() as breakers:
        assert payments.name in breakers.names


def test_threads_of_the_application_share_it(payments: Breaker) -> None:
    with take_over() as breakers:
        threads = [
            threading.Thread(target=lambda: [payments.call(int) for _ in range(100)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        breakers[payments].assert_calls(success=400, in_flight=0)


def test_the_real_state_stands_still_meanwhile(payments: Breaker) -> None:
    payments.call(int)
    core = payments.machinery.core
    log = EventLog()
    with take_over():
        payments.subscribe(log)
        assert core not in TICKER._due
        assert payments.machinery.core not in TICKER._due
    assert core in TICKER._due
    payments.trip()
    assert [event.to_state for event in log.of(Transition)] == ["OPEN"]


def test_time_goes_on_for_calls_in_the_window_and_in_flight(payments: Breaker) -> None:
    tuned = Breaker(Settings(slo=Slo(success_rate=0.99, timeout=1)), name="tuned")
    with take_over() as breakers:
        breakers[payments].succeed(5)
        assert len(payments.latencies_above(-1)) == 5
        for _ in range(20):
            breakers[tuned].succeed()
            breakers.advance(1)
        while tuned.allow() and tuned.in_flight < 20:
            pass  # they hang
        breakers.advance(100)
        assert payments.machinery.core.engine.window.durations() == []
        breakers[tuned].assert_opened("failure_streak")
        (opened,) = breakers[tuned].events.of(Transition)[:1]
        assert opened.monotonic < 1000 + 30
    tuned.close()


def test_a_breaker_is_taken_over_once(payments: Breaker) -> None:
    takeover = Takeover()
    takeover.begin()
    before, machinery = len(takeover.breakers), payments.machinery
    takeover._adopt(payments)
    assert (len(takeover.breakers), payments.machinery) == (before, machinery)
    takeover.end()


def test_what_nobody_holds_may_die() -> None:
    with take_over() as breakers:
        short = weakref.ref(Breaker(name="short"))
        gc.collect()
        assert short() is None
        assert "short" not in breakers.names


def test_state_files_are_for_the_real_state(tmp_path: Path) -> None:
    registry = Registry(breakers={"payments": Settings()})
    registry.get("payments").trip()
    registry.save(tmp_path / "state.json")
    with take_over() as breakers:
        breakers["payments"].assert_state("CLOSED")
    assert registry.get("payments").state == "OPEN"
    registry.close()
