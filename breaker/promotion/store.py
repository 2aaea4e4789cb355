"""File of the comparisons and promises of a host, which all of its processes share."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from breakerd.breaker.errors import ConfigError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.promotion.condition import parse_condition
from breakerd.breaker.promotion.promise import Promise, Settled
from breakerd.breaker.shadow.figures import (
    ShadowFigures,
    decode_figures,
    encode_figures,
    sum_figures,
)
from breakerd.breaker.storage.database_file import FileOptions
from breakerd.breaker.storage.timed_database import TimedDatabase

_log = get_logger(__name__)

LEASE: Final = 30.0
"""Seconds for which one process alone may settle a promise; then another one may."""
FOLD_AFTER: Final = 600.0
"""Seconds after which the figures of a process that does not write are kept as of an ended one."""
KEPT: Final = 30 * 86_400.0
"""Seconds for which a comparison that nobody writes to is kept."""
_ENDED: Final = ""
"""Id that the figures of ended processes stand under."""
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS figures (
    breaker TEXT NOT NULL, digest TEXT NOT NULL, process TEXT NOT NULL,
    since REAL NOT NULL, at REAL NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (breaker, digest, process)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS promises (
    breaker TEXT PRIMARY KEY, digest TEXT NOT NULL, settings TEXT NOT NULL,
    made REAL NOT NULL, due REAL NOT NULL, condition TEXT NOT NULL, author TEXT NOT NULL,
    holder TEXT NOT NULL DEFAULT '', held_until REAL NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (
    breaker TEXT PRIMARY KEY, at REAL NOT NULL, ending TEXT NOT NULL,
    reason TEXT NOT NULL, author TEXT NOT NULL
) WITHOUT ROWID;
"""
_OPTIONS: Final = FileOptions(synchronous="FULL", busy_timeout=0.5)
"""A promise is on the disk before anybody hears of it."""
_PROMISE: Final = "breaker, digest, settings, made, due, condition, author"


class Own(NamedTuple):
    """Figures of one breaker in one process."""

    breaker: str
    digest: str
    since: float
    figures: ShadowFigures


class ShadowStore:
    """Figures by breaker, comparison and process; promises by breaker. Thread-safe.

    No method raises where the file fails. An inherited one does not work in a fork.

    Args:
        path: the file; created if it is missing, and readable by its user only.
        clock: returns the wall-clock time in seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._database = TimedDatabase(path, _SCHEMA, _VERSION, _nothing, _OPTIONS)
        self._clock = clock

    @property
    def problem(self) -> str:
        """Return why nothing is stored at present; empty if all is well."""
        return self._database.problem

    def open(self) -> None:
        """Open or create the file.

        Raises:
            RuntimeError: its thread cannot be started.
        """
        self._database.open()

    def close(self) -> None:
        """Close the file for good."""
        self._database.close()

    # --- figures

    def write(
        self, process: str, own: list[Own], *, known: bool, ended: bool = False
    ) -> bool | None:
        """Write the figures of one process, in the place of what it wrote before.

        Args:
            process: its id.
            own: its figures.
            known: True if it has written before.
            ended: True if it ends: its figures are kept with those of all that have.

        Returns:
            False, and nothing is written, if it was taken for ended meanwhile: what it wrote
            before is kept, and it must count anew. None if the file fails.
        """
        now = self._clock()

        def act(connection: sqlite3.Connection) -> bool:
            query = "SELECT 1 FROM figures WHERE process = ? LIMIT 1"
            if known and connection.execute(query, (process,)).fetchone() is None:
                return False
            connection.executemany(
                "INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (e.breaker, e.digest, process, e.since, now, encode_figures(e.figures))
                    for e in own
                ],
            )
            stale = connection.execute(
                "SELECT DISTINCT process FROM figures WHERE process <> ? AND at < ?",
                (_ENDED, now - FOLD_AFTER),
            ).fetchall()
            for (old,) in [*stale, *([(process,)] if ended else [])]:
                _fold(connection, old)
            connection.execute("DELETE FROM figures WHERE at < ?", (now - KEPT,))
            return True

        return self._database.transaction("write", act)

    def sums(
        self, breaker: str, digest: str, *, without: str | None = None
    ) -> tuple[ShadowFigures, float] | None:
        """Return the sums of all processes, `without` one, and since when; None if that fails.

        The time is infinite if nobody has written.
        """
        rows = self._database.try_rows(
            "SELECT process, since, data FROM figures WHERE breaker = ? AND digest = ?",
            (breaker, digest),
        )
        if rows is None:
            return None
        others = [_figures(data) for process, _, data in rows if process != without]
        since = min((float(since) for _, since, _ in rows), default=float("inf"))
        return sum_figures(others), since

    def comparisons(self, process: str) -> list[tuple[str, str]]:
        """Return (breaker, digest) of what a process, or an ended one, has written."""
        query = "SELECT DISTINCT breaker, digest FROM figures WHERE process IN (?, ?)"
        rows = self._database.rows(query, (process, _ENDED))
        return [(str(breaker), str(digest)) for breaker, digest in rows]

    def forget(self, process: str, breaker: str, digest: str) -> None:
        """Drop the figures of a comparison that is over, of that process and of ended ones."""
        statement = "DELETE FROM figures WHERE process IN (?, ?) AND breaker = ? AND digest = ?"
        self._database.write(statement, [(process, _ENDED, breaker, digest)])

    # --- promises

    def promise(self, promise: Promise) -> bool:
        """Store a promise, in the place of another one of the breaker; False if that fails."""
        row = (
            promise.breaker,
            promise.digest,
            json.dumps(dict(promise.values)),
            promise.made,
            promise.due,
            promise.condition.text,
            promise.by,
        )
        statement = f"INSERT OR REPLACE INTO promises ({_PROMISE}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant
        return self._database.write(statement, [row])

    def promises(self) -> list[Promise] | None:
        """Return all promises; None if the file fails."""
        rows = self._database.try_rows(f"SELECT {_PROMISE} FROM promises")  # noqa: S608 - a constant
        if rows is None:
            return None
        return [found for row in rows if (found := _promise(row)) is not None]

    def hold(self, promise: Promise, process: str) -> bool:
        """Take the lease of a promise; return True if only this process may settle it now."""
        now = self._clock()

        def act(connection: sqlite3.Connection) -> bool:
            # Held until later than a lease lasts: the clock was set back meanwhile.
            changed = connection.execute(
                "UPDATE promises SET holder = ?, held_until = ? WHERE breaker = ? AND made = ? "
                "AND (holder IN ('', ?) OR held_until < ? OR held_until > ?)",
                (process, now + LEASE, promise.breaker, promise.made, process, now, now + LEASE),
            )
            return changed.rowcount == 1

        return self._database.transaction("hold", act) or False

    def settle(self, promise: Promise, settled: Settled) -> bool:
        """Note the end of a promise; return False if it had ended, or the file fails."""

        def act(connection: sqlite3.Connection) -> bool:
            ended = connection.execute(
                "DELETE FROM promises WHERE breaker = ? AND made = ?",
                (promise.breaker, promise.made),
            )
            if ended.rowcount != 1:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO settled VALUES (?, ?, ?, ?, ?)",
                (settled.breaker, settled.at, settled.ending, settled.text, settled.by),
            )
            return True

        return self._database.transaction("settle", act) or False

    def settled(self) -> dict[str, Settled]:
        """Return what became of the last promise of each breaker; nothing if the file fails."""
        rows = self._database.rows("SELECT breaker, at, ending, reason, author FROM settled")
        return {row[0]: Settled(*row) for row in rows}


def _fold(connection: sqlite3.Connection, process: str) -> None:
    """Add the figures of a process that has ended to those of all that have."""
    query = "SELECT breaker, digest, since, at, data FROM figures WHERE process = ?"
    ended = {
        (breaker, digest): (since, at, _figures(data))
        for breaker, digest, since, at, data in connection.execute(query, (_ENDED,))
    }
    for breaker, digest, since, at, data in connection.execute(query, (process,)).fetchall():
        before = ended.get((breaker, digest), (since, at, ShadowFigures()))
        total = sum_figures([before[2], _figures(data)])
        connection.execute(
            "INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?, ?, ?)",
            (
                breaker,
                digest,
                _ENDED,
                min(before[0], since),
                max(before[1], at),
                encode_figures(total),
            ),
        )
    connection.execute("DELETE FROM figures WHERE process = ?", (process,))


def _figures(data: object) -> ShadowFigures:
    """Return the figures; none if another program has written there."""
    try:
        return decode_figures(str(data))
    except ValueError as error:
        _log.warning("figures of a shadow cannot be read", problem=str(error))
        return ShadowFigures()


def _promise(row: tuple[Any, ...]) -> Promise | None:
    breaker, digest, values, made, due, condition, by = row
    try:
        found = json.loads(values)
        parsed = parse_condition(condition)
    except (ValueError, ConfigError) as error:
        _log.warning("a promise cannot be read", breaker=breaker, problem=str(error))
        return None
    return Promise(breaker, digest, dict(found), made, due, parsed, by)


def _nothing() -> None:
    """Do nothing before the file is opened."""
