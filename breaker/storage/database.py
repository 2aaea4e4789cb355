"""SQLite database that several processes of one machine share, and that may fail at any time.

No method raises: a failure is logged once and retried later. A damaged file is renamed, and a new
one is created.
"""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.database_file import (
    DatabaseFile,
    FileOptions,
    FileStamp,
    give_back,
    is_damage,
    primary_code,
)

T = TypeVar("T")

_log = get_logger(__name__)

_MAX_PAGES: Final = 1000
"""Maximum number of unused pages that are given back at once; some milliseconds."""
_inherited: Final[list[tuple[FileStamp | None, sqlite3.Connection]]] = []
"""Connections of the parent, with their files: used by nobody, and closed by no finalizer."""


class Database:
    """SQLite file with a schema. Thread-safe.

    Args:
        path: the file; created if missing.
        schema: SQL script that creates missing tables.
        version: format of the file; a file with a later format is not opened.
        before_open: called before the file is opened; may raise OSError.
        options: settings of SQLite; by default a commit is on the disk before anyone hears of it.

    Attributes:
        path: the file.
        problem: why nothing is stored at present; empty if all is well.
        quarantined: what was done with a damaged file; empty if there was none.
        busy: True if the last write failed only because another process is writing.
        generation: number of times that the file was opened; what was written before is in the
            file of an earlier one, which may be gone.
    """

    def __init__(
        self,
        path: Path,
        schema: str,
        version: int,
        before_open: Callable[[], None],
        options: FileOptions | None = None,
    ) -> None:
        self.path = path
        self.problem = ""
        self.quarantined = ""
        self.busy = False
        self.generation = 0
        self._file = DatabaseFile(path, schema, version, options)
        self._before_open = before_open
        self._connection: sqlite3.Connection | None = None
        self._closed = False
        self._stamp: FileStamp | None = None
        """State of the file when its pages were checked."""
        self._doubtful = False
        """True if a query failed for another reason than that the file was busy."""
        self._opened = False
        """True if the file was opened since the last call of `reopened`."""
        self._lock = threading.RLock()

    def open(self) -> None:
        """Open or create the file. A damaged file is renamed and replaced."""
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._before_open()
                with self._file.opening():
                    self._connect_or_quarantine()
            except (sqlite3.Error, OSError) as error:
                self._fail("open", error)

    def close(self) -> None:
        """Close the file for good. Later writes are lost."""
        with self._lock:
            self._closed = True
            self._disconnect()

    def suspend(self) -> Callable[[], None]:
        """Close the file; return what opens it again, as if nothing had happened.

        SQLite keeps the locks of a file for the process as a whole. With an open connection
        inherited, what a child opens itself counts as locked already, and is not.
        """
        with self._lock:
            if self._connection is None:
                return _nothing
            self._disconnect()
            return partial(self._resume, self._file.stamp())

    def abandon(self) -> None:
        """Give up a connection of the parent, in a forked child. Takes no lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _inherited.append((self._stamp, connection))

    def reopened(self) -> bool:
        """Return True if the file was opened since the last call; open it first if necessary.

        True for the first call, and after the file was missing, damaged or replaced. The caller
        must then write everything it has in memory again.
        """
        with self._lock:
            self._ensure_current()
            if self._connection is not None and self._is_doubtful():
                self._check()
            # A read or a write may have opened it before this call.
            opened, self._opened = self._opened, False
            return opened

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the file fails."""
        return self.try_rows(query, values) or []

    def try_rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]] | None:
        """Return the rows of a query; None if the file fails."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                with closing(self._connection.execute(query, values)) as cursor:
                    return cursor.fetchall()
            except (sqlite3.Error, OSError) as error:
                self._fail("read", error)
                return None

    def write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> bool:
        """Execute a statement for each of `rows`, all or none; return False if the file fails."""

        def write(connection: sqlite3.Connection) -> bool:
            connection.executemany(statement, rows)
            return True

        return self.transaction("write", write) or False

    def transaction(
        self, what: str, action: Callable[[sqlite3.Connection], T], *, optimistic: bool = False
    ) -> T | None:
        """Call `action` in a transaction; return its result, None if the file fails.

        Args:
            what: name of the action in `problem`.
            action: gets the connection; an exception other than of SQLite or the system passes.
            optimistic: True: others are kept from writing only from the first write of `action` on,
                which is called again if somebody wrote since its first read. False: from its
                beginning on.
        """
        with self._lock:
            # What is written to a file that was deleted or replaced is lost.
            self._ensure_current()
            if self._connection is None:
                return None
            try:
                result = _in_transaction(self._connection, action, optimistic=optimistic)
            except (sqlite3.Error, OSError) as error:
                self._fail(what, error)
                return None
            self.busy = False
            self._report("")
            return result

    def give_back(self) -> None:
        """Return space that deleted rows have left to the file system; part of it if it is much."""
        with self._lock:
            if self._connection is not None:
                # Busy, or a full disk: tried again with the next rows that are deleted.
                with suppress(sqlite3.OperationalError):
                    give_back(self._connection, _MAX_PAGES)

    def replace(self) -> None:
        """Put a new file in the place of one that somebody keeps locked; all in it is lost.

        Whoever had it locked writes to the file that is gone, and opens the new one afterwards.
        """
        with self._lock:
            try:
                with self._file.opening():
                    found = self._file.stamp()
                    if found and self._stamp and found.identity == self._stamp.identity:
                        self._disconnect()
                        self._file.discard()
                self.open()
            except (sqlite3.Error, OSError) as error:
                self._fail("replace", error)

    def _resume(self, stamp: FileStamp | None) -> None:
        with self._lock:
            # A new file may have the number of the old one, which nobody has kept open.
            is_same = stamp is not None and self._file.stamp() == stamp
            before = self._opened, self.generation
            self.open()
            if is_same:
                self._opened, self.generation = before

    def _ensure_current(self) -> None:
        """Open the file if it is not open, or if the open one was deleted or replaced."""
        if self._closed:
            return
        found = self._file.stamp()
        known = self._stamp
        if (
            self._connection is None
            or found is None
            or known is None
            or found.identity != known.identity
        ):
            self._disconnect()
            self.open()

    def _is_doubtful(self) -> bool:
        """Return True if the pages were written since they were checked, by whomever."""
        return self._doubtful or self._file.stamp() != self._stamp

    def _check(self) -> None:
        stamp = self._file.stamp()
        try:
            self._file.check()
        except (sqlite3.Error, OSError) as error:
            if is_damage(error):
                self._fail("read", error)
                self.open()
        else:
            self._stamp, self._doubtful = stamp, False

    def _connect_or_quarantine(self) -> None:
        self._require_own()
        try:
            connection = self._file.connect(doubtful=self._doubtful)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self.quarantined = self._file.quarantine(error)
            connection = self._file.connect()
        self._connection, self._stamp = connection, self._file.stamp()
        self._opened, self._doubtful = True, False
        self.generation += 1

    def _require_own(self) -> None:
        """Raise OSError if this process has inherited a connection to the file."""
        found = self._file.stamp()
        if any(found and stamp and stamp.identity == found.identity for stamp, _ in _inherited):
            raise OSError("this process was forked while the file was in use; restart it")

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _fail(self, what: str, error: Exception) -> None:
        self.busy = primary_code(error) == sqlite3.SQLITE_BUSY
        self._doubtful = self._doubtful or not self.busy
        stuck = self._connection is not None and self._connection.in_transaction
        if is_damage(error) or stuck:
            self._disconnect()
        self._report(f"{self.path}: cannot {what}: {error}")

    def _report(self, problem: str) -> None:
        """Set `problem`, and log when it begins and ends."""
        if problem and not self.problem:
            _log.error("database failed, data kept in memory", file=str(self.path), problem=problem)
        elif self.problem and not problem:
            _log.info("database works again", file=str(self.path))
        self.problem = problem


def _nothing() -> None:
    """Open nothing: it was not open."""


def _in_transaction(
    connection: sqlite3.Connection,
    action: Callable[[sqlite3.Connection], T],
    *,
    optimistic: bool,
) -> T:
    if optimistic:
        try:
            return _commit(connection, "BEGIN", action)
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
    return _commit(connection, "BEGIN IMMEDIATE", action)


def _commit(
    connection: sqlite3.Connection, begin: str, action: Callable[[sqlite3.Connection], T]
) -> T:
    connection.execute(begin)
    try:
        result = action(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return result
