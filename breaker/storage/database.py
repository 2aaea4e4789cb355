"""A SQLite file that several processes of one machine share, and that may break at any time.

It never raises: where it fails it says so once, loudly, and is tried again. A file that is damaged
is put aside, and a new one begun.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from breakerd.breaker.logging import get_logger

T = TypeVar("T")

_log = get_logger(__name__)


class Database:
    """The file. Thread-safe.

    Args:
        path: the file; made where it is missing.
        schema: SQL that makes the tables that are missing.
        version: of the format; a file of a later one is left alone.
        joined: called before the file is opened, and allowed to fail with OSError.
    """

    def __init__(self, path: Path, schema: str, version: int, joined: Callable[[], None]) -> None:
        self.path = path
        self.problem = ""
        """Why nothing is kept at the moment; empty if all is well."""
        self.quarantined = ""
        """What became of a damaged file; empty if there was none."""
        self.busy = False
        """Whether the last write failed only because another process is in the middle of one."""
        self._schema = schema
        self._version = version
        self._joined = joined
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._opened = False
        """Whether it was opened since `renewed` was asked last."""
        self._lock = threading.RLock()

    def open(self) -> None:
        """Opens or makes the file; one that is damaged is put aside."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._joined()
                self._connect_or_quarantine()
            except (sqlite3.Error, OSError) as error:
                self._fail("open", error)

    def close(self) -> None:
        """Closes it, for good: what is written from then on is lost."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def reopened(self) -> bool:
        """Whether it was opened since this was asked last; first of all, opens what has to be.

        The file was missing, damaged or another one then, or this is the first time. What is in
        memory must be written again.
        """
        with self._lock:
            if self._connection is None or self._identity != _identity(self.path):
                self._disconnect()
                self.open()
            # Whoever reads or writes may have opened it again before this was asked.
            opened, self._opened = self._opened, False
            return opened

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query finds; nothing if the file fails."""
        with self._lock:
            if self._connection is None:
                return []
            try:
                with closing(self._connection.execute(query, values)) as cursor:
                    return cursor.fetchall()
            except (sqlite3.Error, OSError) as error:
                self._fail("read", error)
                return []

    def write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> bool:
        """Does a statement for each of `rows`, all or none; False if the file fails."""

        def write(connection: sqlite3.Connection) -> bool:
            connection.executemany(statement, rows)
            return True

        return self.transaction("write", write) or False

    def transaction(self, what: str, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """Does `action` in a transaction that is begun at once; None if the file fails."""
        with self._lock:
            if self._connection is None and not self._closed:
                self.open()
            if self._connection is None:
                return None
            try:
                done = _in_transaction(self._connection, action)
            except (sqlite3.Error, OSError) as error:
                self._fail(what, error)
                return None
            self.busy = False
            self._report("")
            return done

    def _connect_or_quarantine(self) -> None:
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._quarantine(error)
            self._connect()

    def _connect(self) -> None:
        connection = sqlite3.connect(
            self.path, check_same_thread=False, timeout=1.0, isolation_level=None
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # Each commit is on the disk before anyone is told of it.
            connection.execute("PRAGMA synchronous=FULL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > self._version:
                raise sqlite3.NotSupportedError(
                    f"made by a newer breakerd (format {version}, this one knows {self._version})"
                )
            if version < self._version:
                connection.executescript(self._schema)
                connection.execute(f"PRAGMA user_version={self._version}")
        except sqlite3.Error:
            connection.close()
            raise
        self._opened = True
        self._connection, self._identity = connection, _identity(self.path)

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _quarantine(self, error: sqlite3.Error) -> None:
        """Keeps a damaged file for whoever wants to look, and makes room for a good one."""
        self._disconnect()
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        with suppress(FileNotFoundError):
            self.path.rename(aside)
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.quarantined = f"{self.path} was damaged ({error}) and is now {aside.name}"
        _log.error("a damaged file was put aside", file=str(self.path), now=aside.name)

    def _fail(self, what: str, error: Exception) -> None:
        """Turns a failure of the file into `problem`."""
        self.busy = _is_busy(error)
        if _is_damage(error):
            self._disconnect()
        self._report(f"{self.path}: cannot {what}: {error}")

    def _report(self, problem: str) -> None:
        if problem and not self.problem:
            _log.error("incidents are kept in memory only", file=str(self.path), problem=problem)
        elif self.problem and not problem:
            _log.info("incidents are kept in the file again", file=str(self.path))
        self.problem = problem


def _in_transaction(connection: sqlite3.Connection, action: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = action(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return done


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - named beside os.replace and its kind
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_busy(error: Exception) -> bool:
    """Whether another process holds the file; the code is there where SQLite itself says so."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)  # the rest of it says why


def _is_damage(error: Exception) -> bool:
    """Whether the file is no database any more, rather than out of reach."""
    words = str(error)
    return isinstance(error, sqlite3.DatabaseError) and (
        "malformed" in words or "not a database" in words
    )
