"""Counters of a host's processes add up, and never go back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd import Registry, Settings
from breakerd.breaker.fleet.host_counters import host_counters
from breakerd.breaker.fleet.host_counters.figures import Figures
from breakerd.breaker.fleet.host_counters.host_counters import HostCounters
from breakerd.breaker.fleet.host_counters.table import FOLD_AFTER, FRESH, CounterTable
from tests.support.polling import until


class Process:
    """A process with a breaker; killed, it writes nothing more."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.registry = Registry(Settings(minimum_calls=1000), memory=lambda: None)
        self.counters = HostCounters(self.registry, path, clock)
        self.counters.start()

    def call(self, number: int, *, error: bool = False) -> None:
        breaker = self.registry.get("payments")
        for _ in range(number):
            assert breaker.allow()
            now = breaker.clock()
            breaker.done(now - 0.02, now, error=error)

    @property
    def sums(self) -> Figures:
        found = self.counters.read()
        assert found is not None
        return found["payments"]

    @property
    def success(self) -> int:
        return self.sums.totals.success


class Time:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "breakerd-counters.db"


@pytest.fixture
def make(file: Path, time: Time) -> Iterator[Callable[[], Process]]:
    made: list[Process] = []

    def make() -> Process:
        made.append(Process(file, time))
        return made[-1]

    yield make
    for each in made:
        each.counters.close()


Make = Callable[[], Process]


def test_each_process_tells_the_sums_of_all(make: Make) -> None:
    one, other = make(), make()
    one.call(3)
    other.call(2)
    other.call(1, error=True)
    assert one.success == 3, "the other has not written yet"
    assert other.success == 5
    assert one.success == 5
    sums = one.sums
    assert (sums.totals.error, sums.gauges.states["CLOSED"]) == (1, 2)
    assert sums.totals.cumulative()[-1][1] == 6


def test_sums_never_go_back_whoever_is_asked(make: Make) -> None:
    processes = [make() for _ in range(3)]
    before = 0
    for number in range(12):
        processes[number % 3].call(1)
        found = processes[(2 * number) % 3].success
        assert found >= before
        before = found
    assert processes[2].success == 12
    assert [each.success for each in processes] == [12, 12, 12]


def test_who_ends_in_order_is_kept_and_has_no_state(make: Make, file: Path) -> None:
    one, other = make(), make()
    one.call(3)
    other.call(2)
    one.counters.close()
    assert other.success == 5
    assert other.sums.gauges.states.total() == 1
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM processes").fetchone() == (1,)
    assert one.counters.read() is None
    one.call(4)
    one.counters.start()
    assert one.success == 9
    assert other.success == 9


def test_who_was_killed_is_kept_and_has_no_state_after_a_while(make: Make, time: Time) -> None:
    killed, other = make(), make()
    killed.call(3)
    assert killed.success == 3
    other.call(2)
    assert other.sums.gauges.states.total() == 2
    time.now += FRESH
    assert (other.success, other.sums.gauges.states.total()) == (5, 1)
    time.now += FOLD_AFTER
    assert other.success == 5
    time.now += 1
    assert other.success == 5


def test_who_was_only_stopped_for_long_goes_on(make: Make, file: Path, time: Time) -> None:
    stopped, other = make(), make()
    stopped.call(3)
    assert stopped.success == 3
    other.call(2)
    time.now += FOLD_AFTER + 1
    assert other.success == 5
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM processes").fetchone() == (1,)
    assert stopped.success == 5
    stopped.call(4)
    assert stopped.success == 9
    assert other.success == 9
    assert other.sums.gauges.states.total() == 2


def test_a_service_that_starts_again_goes_on_from_there(make: Make) -> None:
    first = make()
    first.call(7)
    first.counters.close()
    second = make()
    second.call(1)
    assert second.success == 8


def test_a_forked_child_counts_its_own_only(make: Make) -> None:
    parent = make()
    parent.call(5)
    assert parent.success == 5
    child = HostCounters(parent.registry, parent.counters._path, parent.counters._clock)
    child._seen = parent.counters._seen
    child.after_fork()
    child.start()
    try:
        found = child.read()
        assert found is not None
        assert found["payments"].totals.success == 5
        parent.call(2)  # which the child's copy counts as well, here
        found = child.read()
        assert found is not None
        assert found["payments"].totals.success == 7
    finally:
        child.close()


def test_who_was_never_called_is_not_counted(make: Make, file: Path) -> None:
    process = make()
    assert process.counters.read() == {}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM processes").fetchone() == (0,)
    process.registry.get("payments").trip()
    assert process.sums.gauges.states == {"OPEN": 1}
    assert process.sums.totals.transitions == {("CLOSED", "OPEN", "manual"): 1}


def test_while_the_file_fails_counts_stay_and_states_do_not(make: Make, file: Path) -> None:
    one, other = make(), make()
    other.call(2)
    assert other.success == 2
    one.call(3)
    assert one.success == 5
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        one.call(1)
        one.registry.get("payments").trip()
        assert (one.success, one.sums.gauges.states["OPEN"]) == (5, 1)
    assert other.success == 5
    assert one.success == 6
    assert other.success == 6


def test_what_another_program_has_written_is_left_out(
    make: Make, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process = make()
    process.call(1)
    assert process.success == 1
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("INSERT INTO figures VALUES ('x', 'payments', 'no JSON')")
    assert process.success == 1
    assert "figures of a process cannot be read" in caplog.text


def test_it_writes_by_itself(
    make: Make, file: Path, monkeypatch: pytest.MonkeyPatch, time: Time
) -> None:
    monkeypatch.setattr(host_counters, "INTERVAL", 0.001)
    process = make()
    process.call(2)
    reader = CounterTable(file, time)
    reader.open()
    try:
        until(lambda: (reader.read(without="") or {}).get("payments"))
    finally:
        reader.close()


def test_without_a_thread_it_is_told_and_nothing_is_summed(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    counters = HostCounters(Registry(), file)
    counters.start()
    assert counters.read() is None
    counters.close()
    assert "counters of the host are not kept" in caplog.text


def test_who_waits_for_a_write_gets_what_is_known(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = make()
    process.call(2)
    assert process.success == 2
    monkeypatch.setattr(host_counters, "_WAIT", 0.001)
    process.call(1)
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with process.counters._lock:
            held.set()
            free.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    assert process.success == 2, "the third is not in the file"
    free.set()
    holder.join()
    assert process.success == 3
