"""The file that incidents are kept in, when it breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.storage.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "x.db", "CREATE TABLE IF NOT EXISTS t (x)", 1, lambda: None)
    made.open()
    yield made
    made.close()


def write(database: Database) -> bool:
    return database.write("INSERT INTO t VALUES (?)", [(1,)])


def break_it(database: Database) -> None:
    """As a bad disk would, log and all."""
    for file in database.path.parent.iterdir():
        file.write_bytes(os.urandom(file.stat().st_size))


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
