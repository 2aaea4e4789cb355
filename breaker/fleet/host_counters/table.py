"""Table of the figures of all processes of a host, in a SQLite file."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from breakerd.breaker.fleet.host_counters.figures import Figures, decode, encode
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.database_file import FileOptions
from breakerd.breaker.storage.timed_database import TimedDatabase

_log = get_logger(__name__)

FRESH: Final = 20.0
"""Seconds after which a process that has not written has no state any more; its counts stay."""
FOLD_AFTER: Final = 600.0
"""Seconds after which its counts are kept with those of all that have ended."""
_ENDED: Final = ""
"""Id that the counts of ended processes stand under."""
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS processes (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS figures (
    process TEXT NOT NULL, breaker TEXT NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (process, breaker)
) WITHOUT ROWID;
"""
_OPTIONS: Final = FileOptions(synchronous="NORMAL", busy_timeout=0.25)
"""The next figures bring again what is lost with the power."""


class CounterTable:
    """Figures by process and breaker. Thread-safe. An inherited one does not work in a fork.

    Args:
        path: the file; created if it is missing, and readable by its user only.
        clock: returns the time in seconds, the same for all processes of the host.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._database = TimedDatabase(path, _SCHEMA, _VERSION, _nothing, _OPTIONS)
        self._clock = clock

    def open(self) -> None:
        """Open or create the file.

        Raises:
            RuntimeError: its thread cannot be started.
        """
        self._database.open()

    def close(self) -> None:
        """Close the file for good."""
        self._database.close()

    def write(
        self, process: str, figures: Mapping[str, Figures], *, known: bool, ended: bool = False
    ) -> bool | None:
        """Write figures of one process, in the place of what it wrote before.

        Args:
            process: its id.
            figures: those that have changed, by breaker.
            known: True if it has written before.
            ended: True if it ends: its counts are kept, and it has no state any more.

        Returns:
            False, and nothing is written, if it was taken for ended meanwhile: what it wrote
            before is kept, and it must begin anew. None if the file fails.
        """
        now = self._clock()

        def act(connection: sqlite3.Connection) -> bool:
            if known and not _knows(connection, process):
                return False
            connection.execute("INSERT OR REPLACE INTO processes VALUES (?, ?)", (process, now))
            connection.executemany(
                "INSERT OR REPLACE INTO figures VALUES (?, ?, ?)",
                [(process, name, encode(each)) for name, each in figures.items()],
            )
            if ended:
                _fold(connection, process)
            for (old,) in connection.execute(
                "SELECT id FROM processes WHERE at < ?", (now - FOLD_AFTER,)
            ).fetchall():
                _fold(connection, old)
            return True

        return self._database.transaction("write", act)

    def read(self, *, without: str) -> dict[str, Figures] | None:
        """Return the sums of all processes by breaker, but for one; None if the file fails."""
        rows = self._database.try_rows(
            "SELECT process, breaker, data, at FROM figures LEFT JOIN processes ON id = process"
        )
        if rows is None:
            return None
        now = self._clock()
        sums: dict[str, Figures] = {}
        for process, breaker, data, at in rows:
            found = None if process == without else _decode(data)
            if found is None:
                continue
            total = sums.setdefault(breaker, Figures())
            total.totals.add(found.totals)
            if at is not None and now - at < FRESH:
                total.gauges.add(found.gauges)
        return sums


def _knows(connection: sqlite3.Connection, process: str) -> bool:
    query = "SELECT 1 FROM processes WHERE id = ?"
    return connection.execute(query, (process,)).fetchone() is not None


def _fold(connection: sqlite3.Connection, process: str) -> None:
    """Add the counts of a process that has ended to those of all that have."""
    query = "SELECT breaker, data FROM figures WHERE process = ?"
    ended = {name: _decode(data) for name, data in connection.execute(query, (_ENDED,))}
    for name, data in connection.execute(query, (process,)).fetchall():
        total, found = ended.get(name) or Figures(), _decode(data)
        if found is not None:
            total.totals.add(found.totals)
        row = (_ENDED, name, encode(total))
        connection.execute("INSERT OR REPLACE INTO figures VALUES (?, ?, ?)", row)
    connection.execute("DELETE FROM figures WHERE process = ?", (process,))
    connection.execute("DELETE FROM processes WHERE id = ?", (process,))


def _decode(data: object) -> Figures | None:
    """Return the figures; None if another program has written there."""
    try:
        return decode(str(data))
    except ValueError as error:
        _log.warning("figures of a process cannot be read", problem=str(error))
        return None


def _nothing() -> None:
    """Do nothing before the file is opened."""
