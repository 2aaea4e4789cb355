"""The file that incidents are kept in, when it breaks."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.breaker.storage.database import Database
from breakerd.breaker.storage.database_file import FileOptions

SCHEMA = "CREATE TABLE IF NOT EXISTS t (x)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(tmp_path / "x.db")
    yield made
    made.close()


def open_database(path: Path) -> Database:
    made = Database(path, SCHEMA, 1, lambda: None)
    made.open()
    return made


def write(database: Database) -> bool:
    return database.write("INSERT INTO t VALUES (?)", [(1,)])


def break_it(database: Database) -> None:
    """As a bad disk would, log and all."""
    for file in database.path.parent.iterdir():
        with file.open("r+b") as opened:
            opened.write(os.urandom(file.stat().st_size))


def fill(database: Database, rows: int = 300) -> None:
    """Some hundred kilobytes, so that the table has inner pages."""
    assert database.write("INSERT INTO t VALUES (?)", [("x" * 1000,)] * rows)


def break_an_inner_page(path: Path) -> None:
    """The header stays as it is."""
    with path.open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096 * 20)


def put_aside(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.damaged-*"))


def count(path: Path) -> int:
    """Number of rows, as another process sees it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def test_what_was_opened_is_said_once(database: Database) -> None:
    assert database.reopened()
    assert not database.reopened()
    assert write(database)
    assert not database.reopened()


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_new_file_is_told_whoever_made_it(database: Database, attempts: int) -> None:
    write(database)
    database.reopened()
    break_it(database)
    # The first one to write finds it damaged, and the next one begins a new file.
    written = [write(database) for _ in range(attempts)]
    assert written[0] is False
    assert database.reopened()
    assert write(database)
    assert database.rows("SELECT count(*) FROM t") == [(attempts,)]
    assert not database.reopened()


def test_a_file_that_breaks_in_the_middle_of_a_write_is_noticed(database: Database) -> None:
    """The open connection goes on from its memory, and every other one finds no database."""

    def interrupted(connection: sqlite3.Connection) -> bool:
        connection.execute("INSERT INTO t VALUES (1)")
        break_it(database)
        return True

    database.reopened()
    database.transaction("write", interrupted)
    assert write(database), "it does not see it by itself"
    assert database.problem == ""
    with pytest.raises(sqlite3.DatabaseError):
        count(database.path)
    assert database.reopened(), "the caller writes all it knows again"
    assert "was damaged" in database.quarantined
    assert len(put_aside(database.path)) == 1
    assert write(database)
    assert count(database.path) == 1


def test_a_damaged_inner_page_is_found_before_the_file_is_used(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = open_database(path)
    fill(first)
    first.close()
    break_an_inner_page(path)
    database = open_database(path)
    assert "was damaged" in database.quarantined
    assert len(put_aside(path)) == 1
    assert write(database)
    assert count(path) == 1
    database.close()


def test_a_page_that_breaks_while_the_file_is_open_is_found(database: Database) -> None:
    fill(database)
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert database.reopened()
    assert not database.reopened()
    break_an_inner_page(database.path)
    assert database.reopened()
    assert len(put_aside(database.path)) == 1
    assert write(database)


def test_an_emptied_file_is_made_anew(database: Database) -> None:
    fill(database)
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    database.reopened()
    os.truncate(database.path, 0)
    assert database.reopened()
    assert write(database)
    assert count(database.path) == 1


def test_own_writes_and_those_of_peers_are_no_damage(database: Database) -> None:
    peer = open_database(database.path)
    database.reopened()
    for _ in range(5):
        fill(database)
        fill(peer)
        peer.rows("PRAGMA wal_checkpoint(PASSIVE)")
        assert not database.reopened()
    peer.close()
    assert database.quarantined == peer.quarantined == ""


def test_what_is_written_after_the_file_was_deleted_is_in_the_new_one(database: Database) -> None:
    database.reopened()
    for file in database.path.parent.iterdir():
        file.unlink()
    assert write(database), "without a round in between"
    assert count(database.path) == 1
    assert database.reopened()


def test_processes_that_find_the_same_damage_put_one_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"no database" * 1000)
    databases = [Database(path, SCHEMA, 1, lambda: None) for _ in range(8)]
    ready = threading.Barrier(len(databases))

    def start(database: Database) -> None:
        ready.wait(30)
        database.open()

    threads = [threading.Thread(target=start, args=(each,)) for each in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(write(each) for each in databases)
    assert len(put_aside(path)) == 1
    assert count(path) == len(databases)
    for database in databases:
        database.close()


def test_all_its_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    before = os.umask(0o022)
    try:
        path.write_bytes(b"no database" * 1000)
        database = open_database(path)
        write(database)
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
        assert modes == dict.fromkeys(modes, 0o600)
        assert set(modes) == {"x.db", "x.db-wal", "x.db-shm", put_aside(path)[0].name}
        database.close()
        path.chmod(0o644)
        open_database(path).close()
        assert path.stat().st_mode & 0o777 == 0o600, "one that was there before"
    finally:
        os.umask(before)


@pytest.mark.parametrize("since", ["the start", "an earlier version"])
def test_the_space_of_deleted_rows_is_given_back(tmp_path: Path, since: str) -> None:
    path = tmp_path / "x.db"
    if since == "an earlier version":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)
            connection.execute("PRAGMA user_version=1")
    database = open_database(path)
    fill(database, 2000)
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    full = path.stat().st_size
    database.write("DELETE FROM t WHERE rowid > ?", [(100,)])
    database.give_back()
    assert path.stat().st_size < full / 4
    assert database.rows("SELECT count(*) FROM t") == [(100,)]
    database.close()


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_a_problem_and_no_hang(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.db"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    database = open_database(path)
    assert str(path) in database.problem
    assert not write(database)


def test_a_file_that_somebody_keeps_locked_is_replaced(database: Database) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("INSERT INTO t VALUES (1)")
        assert not write(database)
        assert database.busy
        before = database.generation
        database.replace()
        assert write(database)
        assert database.generation == before + 1
        holder.execute("COMMIT")
    assert count(database.path) == 1, "what the other one wrote is in the file that is gone"


def test_a_file_may_wait_less_and_sync_less(tmp_path: Path) -> None:
    options = FileOptions(synchronous="NORMAL", busy_timeout=0.01)
    made = Database(tmp_path / "x.db", SCHEMA, 1, lambda: None, options)
    made.open()
    assert made.rows("PRAGMA synchronous") == [(1,)]
    assert made.rows("PRAGMA busy_timeout") == [(10,)]
    made.close()


def test_an_optimistic_transaction_begins_again_if_somebody_wrote_meanwhile(
    database: Database,
) -> None:
    seen = []

    def act(connection: sqlite3.Connection) -> int:
        (before,) = connection.execute("SELECT count(*) FROM t").fetchone()
        seen.append(before)
        if len(seen) == 1:
            with closing(sqlite3.connect(database.path, timeout=0)) as other, other:
                other.execute("INSERT INTO t VALUES (7)")
        connection.execute("INSERT INTO t VALUES (8)")
        return int(before)

    assert database.transaction("add", act, optimistic=True) == 1
    assert seen == [0, 1]
    assert count(database.path) == 2
    assert database.problem == ""
