"""A process writes its share of the record, ends, begins again, forks and fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd import Breaker, Settings
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.testing import ManualClock
from tests.support.polling import until


class Process:
    """A process with one breaker on a driven clock, and its record."""

    def __init__(self, file: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.breaker = Breaker(
            Settings(minimum_calls=1000), name="payments", clock=clock, memory=lambda: None
        )
        begin = time.time() - clock()
        self.record = Record([self.breaker], HistorySettings(), file, lambda: begin + clock())
        self.record.start()

    def call(self, number: int) -> None:
        for _ in range(number):
            assert self.breaker.allow()
            now = self.clock()
            self.breaker.done(now - 0.02, now, error=True)

    def write(self) -> None:
        """Write as the thread does at the end of a slot."""
        writer = self.record._writer
        assert writer is not None
        writer.round()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "history.db"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def process(file: Path, clock: ManualClock) -> Iterator[Process]:
    made = Process(file, clock)
    yield made
    made.record.close()


def counts(file: Path) -> list[int]:
    return [each.calls for each in RecordReader(file).slots("payments", 0, 1e11, step=10)]


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def event(text: str) -> RecordEvent:
    return RecordEvent(time=time.time(), breaker=None, kind="act", text=text)


def texts(file: Path) -> list[str]:
    return [each.text for each in RecordReader(file).events(0, 1e11)]


def test_without_calls_there_is_no_file(process: Process, file: Path) -> None:
    process.write()
    process.record.flush()
    process.record.close()
    assert not file.parent.exists()


def test_slots_are_written_once(process: Process, file: Path, clock: ManualClock) -> None:
    for number in (3, 4):
        process.call(number)
        process.record.flush()  # as it is now: it is written again when it is over
        clock.advance(10)
        process.write()
    process.write()
    assert counts(file) == [3, 4]


def test_end_writes_what_is_not_over_and_the_next_start_goes_on(
    process: Process, file: Path, clock: ManualClock
) -> None:
    process.call(3)
    process.record.add(event("reset"))
    process.record.close()
    assert (counts(file), texts(file)) == ([3], ["reset"])
    assert "breakerd-history" not in threads()
    process.record.start()
    clock.advance(10)
    process.write()
    assert counts(file) == [3]
    process.call(1)
    process.record.close()
    assert counts(file) == [3, 1]


def test_events_are_written_by_themselves(process: Process, file: Path) -> None:
    process.record.add(event("first"))
    process.record.add(event("second"))
    until(lambda: texts(file) == ["first", "second"])


def test_two_processes_are_summed(process: Process, file: Path, clock: ManualClock) -> None:
    other = Process(file, clock)
    process.call(3)
    other.call(2)
    clock.advance(60)
    process.write()
    other.write()
    assert counts(file) == [5]
    other.record.close()


def test_file_that_is_gone_is_written_again(
    process: Process, file: Path, clock: ManualClock
) -> None:
    process.call(3)
    clock.advance(10)
    process.write()
    for each in file.parent.iterdir():
        each.unlink()
    process.call(1)
    clock.advance(10)
    process.write()
    process.write()
    assert counts(file) == [3, 1]


def test_damaged_file_is_renamed_and_written_again(
    process: Process, file: Path, clock: ManualClock
) -> None:
    process.call(3)
    clock.advance(10)
    process.write()
    process.record.close()
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\xff" * 3996
    file.write_bytes(content)
    begun = Process(file, clock)
    begun.call(2)
    clock.advance(10)
    begun.write()
    begun.write()
    begun.record.close()
    assert counts(file) == [2]
    assert [each for each in file.parent.iterdir() if ".damaged-" in each.name]


def test_failing_disk_costs_only_time(
    process: Process, file: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("a file in the place of the folder")
    process.call(3)
    process.record.add(event("reset"))
    for _ in range(3):
        clock.advance(10)
        process.write()
    assert "not kept on disk" in process.record.not_running()["history"]
    assert len([each for each in caplog.records if each.levelname == "ERROR"]) == 1
    file.parent.unlink()
    process.write()
    assert (counts(file), texts(file)) == ([3], ["reset"])
    assert process.record.not_running() == {}


def test_locked_file_is_tried_again(process: Process, file: Path, clock: ManualClock) -> None:
    process.call(3)
    clock.advance(10)
    process.write()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process.call(4)
        clock.advance(10)
        process.write()
        assert "locked" in process.record.problem
        assert [each.calls for each in process.record.slots("payments", 0, 1e11, 10)] == [
            3,
            4,
        ]  # the second from memory
        other.execute("ROLLBACK")
    process.write()
    assert (process.record.problem, counts(file)) == ("", [3, 4])


def test_settings_are_applied_while_it_runs(process: Process, file: Path) -> None:
    process.call(3)
    process.record.apply(HistorySettings(enabled=False), file)
    assert (process.record.running, counts(file)) == (False, [3])
    assert "breakerd-history" not in threads()
    process.record.add(event("lost"))
    other = file.with_name("other.db")
    process.record.apply(HistorySettings(), other)
    process.call(2)
    process.record.close()
    assert (counts(file), texts(other)) == ([3], [])
    process.record.apply(HistorySettings(keep="2d"), other)
    assert not process.record.running


def test_child_leaves_what_its_parent_has_seen(process: Process) -> None:
    process.call(3)
    of_parent = process.record._writer
    assert of_parent is not None
    process.record.after_fork()
    of_parent.close(1)
    assert not process.record.running
    process.record.start()
    assert process.record.running


def test_limits_are_those_of_the_settings(process: Process) -> None:
    process.record.settings = HistorySettings(keep="12h", keep_fine="2d", max_mb=8)
    limits = process.record.limits()
    assert (limits.coarse, limits.fine, limits.max_bytes) == (43_200, 43_200, 8_000_000)
