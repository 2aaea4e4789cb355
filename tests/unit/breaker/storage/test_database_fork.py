"""A database in a process that forks: closed during the fork, and the child's own afterwards."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.breaker.storage import database as plain_database
from breakerd.breaker.storage import timed_database
from breakerd.breaker.storage.timed_database import TimedDatabase
from tests.support.forking import in_child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

SCHEMA = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER)"
INSERT = "INSERT INTO numbers VALUES (?)"
SELECT = "SELECT number FROM numbers"


def make(folder: Path) -> TimedDatabase:
    made = TimedDatabase(folder / "numbers.db", SCHEMA, 1, lambda: None)
    made.open()
    return made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[TimedDatabase]:
    made = make(tmp_path)
    yield made
    made.close()


def test_a_fork_is_not_noticed_by_who_has_it_open(database: TimedDatabase) -> None:
    assert database.reopened()
    assert database.write(INSERT, [(1,)])
    generation = database.generation
    assert in_child(lambda: 1) == 1
    assert database.rows(SELECT) == [(1,)]
    assert not database.reopened()
    assert database.generation == generation
    assert database.write(INSERT, [(2,)])


def test_a_file_that_is_replaced_during_a_fork_is_a_new_one(database: TimedDatabase) -> None:
    assert database.reopened()
    pause = database.pause()
    assert pause is not None
    database.path.unlink()
    pause.ended.set()
    assert database.reopened()
    assert database.rows(SELECT) == []


def test_a_child_uses_none_of_its_parent(database: TimedDatabase) -> None:
    assert database.write(INSERT, [(1,)])

    def look() -> object:
        written = database.write(INSERT, [(2,)])
        database.close()
        return [database.rows(SELECT), written, database.problem]

    rows, written, problem = in_child(look)
    assert (rows, written) == ([], False)
    assert problem.endswith("opened before this process was forked, so not used in it")
    assert database.rows(SELECT) == [(1,)]


def test_what_a_child_opens_itself_is_locked(tmp_path: Path) -> None:
    """Without locks of its own, the parent's end would delete the log in which the child writes."""
    parent = make(tmp_path)
    assert parent.write(INSERT, [(1,)])
    opened, go_on, tell = os.pipe(), os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        own = make(tmp_path)
        os.write(opened[1], b"x")
        os.read(go_on[0], 1)
        os.write(tell[1], b"1" if own.write(INSERT, [(2,)]) else b"0")
        signal.pause()
    try:
        os.read(opened[0], 1)
        parent.close()
        os.write(go_on[1], b"x")
        assert os.read(tell[0], 1) == b"1"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for pipe in (*opened, *go_on, *tell):
            os.close(pipe)
    with closing(sqlite3.connect(tmp_path / "numbers.db")) as other:
        assert other.execute(SELECT).fetchall() == [(1,), (2,)]


def test_a_fork_waits_for_the_present_operation(database: TimedDatabase) -> None:
    begun, released = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        released.wait(30)
        connection.execute(INSERT, (1,))

    writer = threading.Thread(target=database.transaction, args=("write", slow))
    writer.start()
    assert begun.wait(30)
    pausing = threading.Thread(target=lambda: os.waitpid(os.fork() or os._exit(0), 0))
    pausing.start()
    released.set()
    pausing.join(30)
    writer.join(30)
    assert database.rows(SELECT) == [(1,)]
    assert not plain_database._inherited


def test_a_fork_does_not_wait_for_a_disk_that_hangs_and_the_child_keeps_off(
    database: TimedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_database, "FORK_LIMIT", 0.01)
    begun, released = threading.Event(), threading.Event()

    def hang(_connection: sqlite3.Connection) -> None:
        begun.set()
        released.wait(30)

    writer = threading.Thread(target=database.transaction, args=("write", hang))
    writer.start()
    assert begun.wait(30)

    def look() -> object:
        own = TimedDatabase(database.path, SCHEMA, 1, lambda: None)
        own.open()
        return [own.problem, own.rows(SELECT), len(plain_database._inherited)]

    problem, rows, kept = in_child(look)
    assert problem.endswith("this process was forked while the file was in use; restart it")
    assert rows == []
    assert kept == 1, "so that no finalizer closes it"
    released.set()
    writer.join(30)
    assert database.write(INSERT, [(1,)])
    assert database.rows(SELECT) == [(1,)]
