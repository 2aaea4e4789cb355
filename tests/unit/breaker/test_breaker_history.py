"""What `Breaker.history` tells of real calls."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator

import pytest

from breakerd import Breaker, Priority, Settings, State, priority
from breakerd.breaker.history import HistorySlot
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.testing import ManualClock, simulate_call
from tests.unit.breaker.conftest import MakeBreaker


@pytest.fixture
def real() -> Iterator[Breaker]:
    """On the real clock, ticked by the test alone."""
    made = Breaker(Settings(latency_threshold=500), memory=lambda: 0.1)
    TICKER.discard(made._core)
    yield made
    made.close()


def total(slots: list[HistorySlot], name: str) -> int:
    return sum(getattr(slot, name) for slot in slots)


def test_each_kind_of_call_is_counted(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=500, slo={"success_rate": 0.9, "timeout": 1.0, "warmup": 0})
    for milliseconds, error in ((100, False), (200, True), (700, False), (1500, False)):
        simulate_call(breaker, clock, milliseconds, error=error)
    for seconds in (0.1, 0.8, 1.2):
        assert breaker.allow()
        start = clock()
        clock.advance(seconds)
        breaker.abandon(start)
    slots = breaker.history()
    kinds = ("calls", "failures", "slow", "timed_out", "abandoned")
    assert [total(slots, kind) for kind in kinds] == [7, 1, 4, 2, 3]
    assert sum(slot.durations.count for slot in slots) == 6
    counters = breaker.counters()
    assert total(slots, "calls") == counters.success + counters.error + counters.abandoned


def test_it_agrees_with_the_counters_on_the_fast_path(real: Breaker) -> None:
    for number in range(3000):
        if real.allow():
            start = real.clock()
            real.done(start - 0.999 * (number % 40) / 1000, start)
    slots = real.history()
    assert total(slots, "calls") == real.counters().success == 3000
    assert sum(slot.durations.count for slot in slots) == 3000
    in_first = sum(slot.durations.counts()[0] for slot in slots)
    assert in_first == 150  # those of 0 and 1 ms


def test_rejections_are_told_by_reason(make: MakeBreaker) -> None:
    breaker = make()
    breaker.trip()
    assert not any(breaker.allow() for _ in range(7))
    breaker.force_open()
    assert not any(breaker.allow() for _ in range(5))
    (slot,) = breaker.history()
    assert slot.rejected == {"manual": 7, "forced_open": 5}
    assert slot.rejected_by_priority == {}
    assert slot.state is State.FORCED_OPEN


def test_prepared_rejections_are_told_too(real: Breaker) -> None:
    real.force_open()
    assert not any(real.allow() for _ in range(1000))
    assert sum(slot.rejections for slot in real.history()) == 1000
    assert sum(slot.rejections for slot in real.history()) == real.counters().rejected


def test_rejections_that_were_left_when_calls_passed_again_are_told_by_the_next_tick(
    real: Breaker,
) -> None:
    real.force_open()
    real.allow()
    real.allow()
    core = real._core
    with core.locked():
        core._gate.permits.pop()  # another thread's, while the lock is held
        core._gate.refill(True, 5)
    real.tick()
    assert sum(slot.rejections for slot in real.history()) == 3


def test_what_the_limit_rejects_is_told_by_priority(make: MakeBreaker) -> None:
    breaker = make(limiter={"enabled": True, "max_limit": 2})
    assert breaker.allow()
    assert breaker.allow()
    assert not breaker.allow()
    with priority(Priority.SHEDDABLE):
        assert not breaker.allow()
        assert not breaker.allow()
    (slot,) = breaker.history()
    assert slot.rejected == {"overloaded": 3}
    assert slot.rejected_by_priority == {"critical": 1, "sheddable": 2}
    assert slot.limit == 2.0


def test_a_trip_is_in_the_slot_in_which_it_happened(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=500, latency_window_size=10)
    for _ in range(30):
        if breaker.allow():
            breaker.done(clock() - 0.9, clock())
    clock.advance(1)
    breaker.allow()
    worst = [slot.state for slot in breaker.history()]
    assert worst == [State.OPEN, State.OPEN]
    assert breaker.history()[0].threshold == 0.5


def test_a_breaker_at_rest_has_no_slots(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    for _ in range(100):
        clock.advance(1)
        breaker.tick()
    assert breaker.history() == []
    assert breaker.slots_since() == ([], 0)


def test_calls_that_hang_are_seen(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=500)
    assert breaker.allow()
    assert breaker.allow()
    clock.advance(1)
    breaker.tick()
    clock.advance(1)
    breaker.tick()
    assert [(slot.calls, slot.in_flight) for slot in breaker.history()] == [(0, 2), (0, 2)]


def test_what_is_normal_is_told_once_it_is_learnt(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=500)
    for _ in range(300):
        simulate_call(breaker, clock, 100)
        breaker.tick()
    newest = breaker.history()[-1]
    assert newest.normal == pytest.approx(0.1, rel=0.06)
    assert breaker.history()[0].normal is None


@pytest.mark.parametrize("step", [0, 0.5, -10, 1.5, float("inf"), float("nan")])
def test_a_step_is_whole_seconds(make: MakeBreaker, step: float) -> None:
    with pytest.raises(ValueError, match="whole seconds from 1 on"):
        make().history(step=step)


def test_slots_are_summed_to_a_step(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    for _ in range(120):
        simulate_call(breaker, clock, 1000)
    slots = breaker.history(step=60)
    assert total(slots, "calls") == 120
    assert {(slot.width, slot.start % 60) for slot in slots} == {(60.0, 0.0)}


def test_finished_slots_come_once_without_any_further_call(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    simulate_call(breaker, clock, 100)
    clock.advance(10)
    (slot,), mark = breaker.slots_since()
    assert (slot.calls, slot.width, mark) == (1, 10.0, 1)
    assert breaker.slots_since(mark) == ([], mark)


def test_a_call_of_a_drill_is_nobodys(make: MakeBreaker) -> None:
    breaker = make(latency_threshold=500)
    breaker.drills.latency()
    assert total(breaker.history(), "calls") == 0


def test_readers_and_callers_do_not_meet(real: Breaker) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            slots = real.history()
            assert slots == sorted(slots, key=lambda slot: slot.start)
            real.slots_since()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(20_000):
            assert real.allow()
            start = real.clock()
            real.done(start - number % 3 / 1000, start, error=number % 97 == 0)
    finally:
        stop.set()
        reader.join()
    assert total(real.history(), "calls") == 20_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_child_begins_anew(real: Breaker) -> None:
    for _ in range(50):
        real.allow()
        real.done(real.clock(), real.clock())
    read, write = os.pipe()
    if os.fork() == 0:
        before = total(real.history(), "calls")
        real.allow()
        real.done(real.clock(), real.clock())
        os.write(write, json.dumps([before, total(real.history(), "calls")]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        answer = json.loads(stream.read())
    os.wait()
    assert answer == [0, 1]
    assert total(real.history(), "calls") == 50
