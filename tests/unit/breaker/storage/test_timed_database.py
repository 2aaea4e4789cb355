"""A disk that hangs: an operation on it does not end until the test lets it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from breakerd.breaker.storage import timed_database
from breakerd.breaker.storage.job import Job
from breakerd.breaker.storage.timed_database import TimedDatabase

SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER)"
INSERT = "INSERT INTO numbers VALUES (?)"
SELECT = "SELECT number FROM numbers"


class Disk:
    """Hangs while `answers` is not set."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.reached = threading.Event()

    def hang(self, _connection: sqlite3.Connection) -> bool:
        self.reached.set()
        return self.answers.wait(30)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.answers.set()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[TimedDatabase]:
    made = TimedDatabase(tmp_path / "numbers.db", SCHEMA, 1, lambda: None)
    made.open()
    yield made
    made.close()


def wait_until_it_answers(database: TimedDatabase, disk: Disk) -> None:
    disk.answers.set()
    assert database._jobs is not None
    for _ in range(2):  # once the second is begun, the first is over in every respect
        database._jobs.put(job := Job(lambda: None))
        assert job.done.wait(30)


def test_works_as_any_other(database: TimedDatabase) -> None:
    assert database.reopened()
    assert database.write(INSERT, [(1,), (2,)])
    assert database.rows(SELECT) == [(1,), (2,)]
    assert database.problem == ""


def test_an_exception_reaches_who_waits(database: TimedDatabase) -> None:
    def fail(_connection: sqlite3.Connection) -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        database.transaction("write", fail)
    assert database.write(INSERT, [(1,)])


def test_while_the_disk_hangs_everything_fails_at_once(
    database: TimedDatabase, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_database, "LIMIT", 0.01)
    assert database.transaction("hang", disk.hang) is None
    assert disk.reached.wait(30)
    monkeypatch.setattr(timed_database, "LIMIT", 3600)
    assert database.rows(SELECT) == []
    assert database.try_rows(SELECT) is None
    assert not database.write(INSERT, [(1,)])
    assert not database.reopened()
    assert database.call(lambda: 1, 0) == 0
    assert "the disk has not answered for" in database.problem
    wait_until_it_answers(database, disk)
    assert database.write(INSERT, [(2,)])
    assert database.rows(SELECT) == [(2,)]
    assert database.problem == ""


def test_what_nobody_waits_for_any_more_is_not_begun(
    database: TimedDatabase, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_database, "LIMIT", 0.01)
    others = [
        threading.Thread(target=database.write, args=(INSERT, [(number,)])) for number in range(3)
    ]
    hanging = threading.Thread(target=database.transaction, args=("hang", disk.hang))
    hanging.start()
    assert disk.reached.wait(30)
    for thread in others:
        thread.start()
    for thread in (hanging, *others):
        thread.join(30)
    monkeypatch.setattr(timed_database, "LIMIT", 3600)
    wait_until_it_answers(database, disk)
    assert database.rows(SELECT) == []


def test_closing_does_not_wait_either(
    database: TimedDatabase, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_database, "LIMIT", 0.01)
    assert database.transaction("hang", disk.hang) is None
    ended = threading.Event()
    database.finish(ended.set)
    database.close()
    assert database.rows(SELECT) == []
    assert not ended.is_set()
    disk.answers.set()
    assert ended.wait(30), "once the disk answers"
    assert database._thread is not None
    database._thread.join(30)
    assert not database._thread.is_alive()


def test_a_process_that_was_stopped_in_an_operation_goes_on(
    database: TimedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both the operation and the time have ended when it goes on."""
    make = Job.__init__

    class LateEvent(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)
            monkeypatch.undo()
            assert database._jobs is not None
            database._jobs.put(following := Job(lambda: None))
            assert following.done.wait(30)  # the thread is through with the first
            return False

    def make_late(job: Job[int], operation: Callable[[], int]) -> None:
        make(job, operation)
        job.done = LateEvent()

    monkeypatch.setattr(Job, "__init__", make_late)
    assert database.call(lambda: 7, 0) == 7
    assert database.write(INSERT, [(1,)])
    assert database.problem == ""
