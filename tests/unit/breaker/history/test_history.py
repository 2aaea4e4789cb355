"""Slots of one breaker in memory: when they begin and end, what they take, how large they are."""

import gc
import random
import sys
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import pytest

from breakerd import Settings
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.context import Priority
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.history.history import SECONDS, TEN, TENS, History, read, unpack_all
from breakerd.breaker.history.packing import SIZE
from breakerd.breaker.history.sketch import BUCKETS
from breakerd.breaker.history.slot import SEVERITY, HistorySlot
from breakerd.breaker.states import State

MOST_BYTES = 96 * 1024
"""Of one breaker with both rings full."""


class Host:
    """A history on the real clock, with both clocks driven: the host's time, and the monotonic."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: Settings | None = None) -> None:
        self.unix, self.now = 1_700_000_000.0, 50.0
        monkeypatch.setattr("time.time", lambda: self.unix)
        self.engine = Engine("x", settings or Settings(), lambda _event: None, self.now)
        self.history = History(self.engine, CLOCK.monotonic, self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.unix += seconds

    def call(self, seconds: float = 0.1) -> None:
        self.history.slot(self.now).count(seconds, slow=False)

    def slots(self, since: float | None = None, until: float | None = None) -> list[HistorySlot]:
        return read(self.history.take(self.now), since, until)

    def finished(self, number: int = 0) -> list[HistorySlot]:
        return unpack_all(self.history.finished_since(number, self.now)[0])


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def starts(slots: list[HistorySlot]) -> list[float]:
    return [slot.start - 1_700_000_000 for slot in slots]


def test_nothing_happened_nothing_is_kept(host: Host) -> None:
    host.pass_time(5000)
    assert host.slots() == []
    assert host.history.finished_since(0, host.now) == (b"", 0)


def test_calls_are_in_the_second_in_which_they_were_taken_in(host: Host) -> None:
    for pause in (0.0, 0.5, 0.5, 1.0, 3.0):
        host.pass_time(pause)
        host.call()
    assert [(slot.start - 1_700_000_000, slot.calls) for slot in host.slots()] == [
        (0, 2), (1, 1), (2, 1), (5, 1),
    ]  # fmt: skip
    assert {slot.width for slot in host.slots()} == {1.0}


def test_what_is_older_than_a_quarter_of_an_hour_comes_in_slots_of_ten_seconds(host: Host) -> None:
    for _ in range(1200):
        host.call()
        host.pass_time(1)
    slots = host.slots()
    assert sum(slot.calls for slot in slots) == 1200
    assert [slot.width for slot in slots] == [10.0] * 30 + [1.0] * 900
    assert starts(slots) == [*range(0, 300, 10), *range(300, 1200)]


def test_nothing_is_twice_and_nothing_is_missing_at_any_moment(host: Host) -> None:
    for _ in range(1000):
        host.call()
        host.pass_time(1)
    for _ in range(12):
        slots = host.slots()
        assert sum(slot.calls for slot in slots) == 1000
        assert all(one.end <= other.start for one, other in pairwise(slots))
        host.pass_time(0.7)


def test_after_an_hour_it_is_gone(host: Host) -> None:
    host.call()
    host.pass_time(3590)
    assert [slot.calls for slot in host.slots()] == [1]
    host.pass_time(15)
    assert host.slots() == []


def test_a_part_of_it_can_be_asked_for(host: Host) -> None:
    for _ in range(10):
        host.call()
        host.pass_time(1)
    assert starts(host.slots(since=1_700_000_003.5, until=1_700_000_006)) == [3, 4, 5]


def test_a_slot_is_finished_once_its_time_has_passed(host: Host) -> None:
    host.pass_time(3)
    host.call()
    host.pass_time(6.9)
    assert host.finished() == []
    host.pass_time(0.2)
    assert [(slot.calls, slot.width) for slot in host.finished()] == [(1, 10.0)]


def test_finished_slots_come_once(host: Host) -> None:
    mark = 0
    found: list[HistorySlot] = []
    for step in range(1, 500):
        host.call()
        host.pass_time(1)
        if step % 7 == 0:
            packed, mark = host.history.finished_since(mark, host.now)
            found += unpack_all(packed)
    assert starts(found) == list(range(0, 490, 10))
    assert {slot.calls for slot in found} == {10}


def test_a_mark_of_another_life_begins_anew(host: Host) -> None:
    host.call()
    host.pass_time(20)
    assert len(host.finished(77)) == 1


def test_calls_are_where_the_clock_was_set_to(host: Host) -> None:
    host.call()
    host.unix += 100
    host.now += 1
    host.call()
    assert starts(host.slots()) == [0, 101 - 1]


def test_where_the_clock_was_set_back_no_call_is_twice_and_none_is_lost(host: Host) -> None:
    mark = 0
    found: list[HistorySlot] = []
    for step in range(80):
        if step < 60:
            host.call()
        host.pass_time(1)
        if step == 34:
            host.unix -= 20
        packed, mark = host.history.finished_since(mark, host.now)
        found += unpack_all(packed)
    slots = host.slots()
    assert sum(slot.calls for slot in slots) == sum(slot.calls for slot in found) == 60
    assert starts(slots) == list(range(40))
    assert [slot.calls for slot in slots] == [1] * 15 + [2] * 20 + [1] * 5
    assert {slot.members for slot in slots} == {1}


def test_what_lies_in_the_future_is_left_out_until_then(host: Host) -> None:
    host.pass_time(500)
    host.call()
    host.unix -= 400
    assert host.slots() == []
    host.pass_time(401)
    assert [slot.calls for slot in host.slots()] == [1]


def test_an_injected_clock_goes_on_from_when_the_breaker_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = Host(monkeypatch)
    host.history = History(host.engine, lambda: host.now, host.now)
    for _ in range(30):
        host.now += 1  # and the host's time stands still
        host.call()
    assert starts(host.slots()) == list(range(1, 31))


def test_a_slot_tells_its_worst_state(host: Host) -> None:
    host.call()
    host.history.note_state(host.now, State.OPEN)
    host.history.note_state(host.now, State.HALF_OPEN)
    host.pass_time(1)
    host.call()
    host.history.note_state(host.now, State.CLOSED)
    host.pass_time(1)
    host.call()
    assert [slot.state for slot in host.slots()] == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_readings_are_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, Settings.model_validate({"load": {"load_threshold": 2.0}}))
    host.engine.memory.utilization = 0.25
    host.history.observe(host.now, 5)
    host.engine.memory.utilization = 0.5
    host.history.observe(host.now, 3)
    (slot,) = host.slots()
    assert (slot.in_flight, slot.memory, slot.load, slot.limit) == (5, 0.5, 0.0, None)
    assert (slot.threshold, slot.normal) == (host.engine.settings.latency_threshold / 1000, None)


def test_a_history_that_was_cleared_is_empty(host: Host) -> None:
    host.call()
    host.pass_time(20)
    host.call()
    host.history.clear()
    assert host.slots() == []
    assert host.finished() == []


def fill(host: Host) -> None:
    """Fills both rings, and the slots that are open, which then are as large as they get."""
    for ring, capacity in ((host.history._seconds, SECONDS), (host.history._tens, TENS)):
        for _ in range(capacity):
            ring.append(bytes(SIZE))
    rng = random.Random(3)
    for _ in range(2 * TEN):
        slot = host.history.slot(host.now)
        slot.calls = 1_000_000
        for bucket in range(BUCKETS):
            slot.counts[bucket] = rng.randint(1000, 100_000)
        slot.shed = [rng.randint(1000, 100_000) for _ in Priority]
        for reason in ("latency", "errors", "memory", "load", "fleet"):
            slot.reject(reason, rng.randint(1000, 100_000))
        slot.meet(rng.choice(SEVERITY))
        host.pass_time(1)


def test_both_rings_full_it_takes_at_most_96_kib(host: Host) -> None:
    fill(host)
    assert size_of(host.history) <= MOST_BYTES


def test_the_allocator_says_the_same(host: Host) -> None:
    assert SIZE * (SECONDS + TENS) < allocated(lambda: fill(host)) <= MOST_BYTES


def test_it_takes_little_before(host: Host) -> None:
    host.call()
    assert size_of(host.history) < 12 * 1024


def size_of(history: History) -> int:
    """Bytes of everything that belongs to the history alone, as `sys.getsizeof` counts them."""
    seen: dict[int, object] = {}
    left: list[object] = [history]
    shared = {id(history._engine), *map(id, SEVERITY)}
    while left:
        item = left.pop()
        if id(item) in seen or id(item) in shared or isinstance(item, type) or callable(item):
            continue
        seen[id(item)] = item
        left.extend(gc.get_referents(item))
    return sum(map(sys.getsizeof, seen.values()))


def allocated(work: Callable[[], None]) -> int:
    """Bytes more than before that the history's package holds after `work`."""
    only = [tracemalloc.Filter(True, "*/breaker/history/*")]
    tracemalloc.start()
    try:
        work()
        gc.collect()
        taken = tracemalloc.take_snapshot().filter_traces(only)
    finally:
        tracemalloc.stop()
    return sum(each.size for each in taken.statistics("filename"))
