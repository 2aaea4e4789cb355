"""SQLite database that several processes of one machine share, and that may fail at any time.

No method raises: a failure is logged once and retried later. A damaged file is renamed, and a new
one is created.
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
    """SQLite file with a schema. Thread-safe.

    Args:
        path: the file; created if missing.
        schema: SQL script that creates missing tables.
        version: format of the file; a file with a later format is not opened.
        before_open: called before the file is opened; may raise OSError.

    Attributes:
        path: the file.
        problem: why nothing is stored at present; empty if all is well.
        quarantined: what was done with a damaged file; empty if there was none.
        busy: True if the last write failed only because another process is writing.
    """

    def __init__(
        self, path: Path, schema: str, version: int, before_open: Callable[[], None]
    ) -> None:
        self.path = path
        self.problem = ""
        self.quarantined = ""
        self.busy = False
        self._schema = schema
        self._version = version
        self._before_open = before_open
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._opened = False
        """True if the file was opened since the last call of `reopened`."""
        self._lock = threading.RLock()

    def open(self) -> None:
        """Open or create the file. A damaged file is renamed and replaced."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._before_open()
                self._connect_or_quarantine()
            except (sqlite3.Error, OSError) as error:
                self._fail("open", error)

    def close(self) -> None:
        """Close the file for good. Later writes are lost."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def reopened(self) -> bool:
        """Return True if the file was opened since the last call; open it first if necessary.

        True for the first call, and after the file was missing, damaged or replaced. The caller
        must then write everything it has in memory again.
        """
        with self._lock:
            if self._connection is None or self._identity != _identity(self.path):
                self._disconnect()
                self.open()
            # A read or a write may have opened it before this call.
            opened, self._opened = self._opened, False
            return opened

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the file fails."""
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
        """Execute a statement for each of `rows`, all or none; return False if the file fails."""

        def write(connection: sqlite3.Connection) -> bool:
            connection.executemany(statement, rows)
            return True

        return self.transaction("write", write) or False

    def transaction(self, what: str, action: Callable[[sqlite3.Connection], T]) -> T | None:
        """Call `action` in an immediate transaction; return its result, None if the file fails.

        Args:
            what: name of the action in `problem`.
            action: gets the connection; an exception other than of SQLite or the system passes.
        """
        with self._lock:
            if self._connection is None and not self._closed:
                self.open()
            if self._connection is None:
                return None
            try:
                result = _in_transaction(self._connection, action)
            except (sqlite3.Error, OSError) as error:
                self._fail(what, error)
                return None
            self.busy = False
            self._report("")
            return result

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
            # A commit is on the disk before anyone is notified of it.
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
        """Rename a damaged file, so that it can be examined and a new one can be created."""
        self._disconnect()
        renamed = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        with suppress(FileNotFoundError):
            self.path.rename(renamed)
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.quarantined = f"{self.path} was damaged ({error}) and is now {renamed.name}"
        _log.error("damaged database renamed", file=str(self.path), renamed=renamed.name)

    def _fail(self, what: str, error: Exception) -> None:
        self.busy = _is_busy(error)
        if _is_damage(error):
            self._disconnect()
        self._report(f"{self.path}: cannot {what}: {error}")

    def _report(self, problem: str) -> None:
        """Set `problem`, and log when it begins and ends."""
        if problem and not self.problem:
            _log.error("database failed, data kept in memory", file=str(self.path), problem=problem)
        elif self.problem and not problem:
            _log.info("database works again", file=str(self.path))
        self.problem = problem


def _in_transaction(connection: sqlite3.Connection, action: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = action(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return result


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - named beside os.replace and its kind
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_busy(error: Exception) -> bool:
    """Return True if another process holds the file, by SQLite's error code."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # The low byte is the primary code; the rest gives details.
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)


def _is_damage(error: Exception) -> bool:
    """Return True if the file is not a valid database any more, rather than unreachable."""
    text = str(error)
    return isinstance(error, sqlite3.DatabaseError) and (
        "malformed" in text or "not a database" in text
    )
