"""Incidents, cooldowns and silences in SQLite, so that a restart goes on where it was.

What is told is read from memory; the file is its copy. So a full disk or a broken file costs the
copy, which is said loudly and tried again, and not the alert.
"""

import fcntl
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from alerts.incident import Incident
from alerts.policy import Silence
from breaker.log import get_logger

T = TypeVar("T")

_log = get_logger("alerts.store")

_VERSION: Final = 1
_KEPT_CLOSED: Final = 1000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, breaker TEXT NOT NULL, phase TEXT NOT NULL,
    opened_at REAL NOT NULL, done INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_by_time ON incidents (opened_at);
CREATE TABLE IF NOT EXISTS cooldowns (
    breaker TEXT NOT NULL, kind TEXT NOT NULL, told_at REAL NOT NULL,
    PRIMARY KEY (breaker, kind)
);
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, data TEXT NOT NULL);
"""


class Store:
    """The file. For the dispatcher's thread; it never raises: see `problem`.

    One process at a time: a second one with the same file keeps its incidents in memory.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.problem = ""
        """Why nothing is kept at the moment; empty if all is well."""
        self._connection: sqlite3.Connection | None = None
        self._lock_file: IO[str] | None = None

    def open(self) -> None:
        """Opens or makes the file."""
        with self._guarded("open"):
            if self._lock_file is None:
                self._lock_file = self._locked()
            connection = sqlite3.connect(self.path, check_same_thread=False, timeout=1.0)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                # Each commit is on the disk before anyone is told of it.
                connection.execute("PRAGMA synchronous=FULL")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > _VERSION:
                    raise sqlite3.DatabaseError(
                        f"made by a newer breakerd (format {version}, this one knows {_VERSION})"
                    )
                connection.executescript(_SCHEMA)
                connection.execute(f"PRAGMA user_version={_VERSION}")
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection

    def close(self) -> None:
        """Closes it."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def load(self) -> tuple[list[Incident], dict[tuple[str, str], float], list[Silence]]:
        """Unfinished incidents, cooldowns by (breaker, kind), and silences."""
        incidents: list[Incident] = []
        cooldowns: dict[tuple[str, str], float] = {}
        silences: list[Silence] = []
        with self._guarded("load"):
            for (data,) in self._rows(
                "SELECT data FROM incidents WHERE NOT done ORDER BY opened_at"
            ):
                incidents += _parsed(data, Incident.from_dict)
            for breaker, kind, told_at in self._rows(
                "SELECT breaker, kind, told_at FROM cooldowns"
            ):
                cooldowns[breaker, kind] = told_at
            for (data,) in self._rows("SELECT data FROM silences"):
                silences += _parsed(data, _silence)
        return incidents, cooldowns, silences

    def save(self, incident: Incident) -> bool:
        """Keeps an incident as it is now; False if that failed."""
        row = (
            incident.id,
            incident.breaker,
            incident.phase.value,
            incident.opened_at,
            incident.done,
            json.dumps(incident.as_dict()),
        )
        return self._write("INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?)", row)

    def save_cooldown(self, breaker: str, kind: str, told_at: float) -> bool:
        """Keeps when an alert of that kind was told last."""
        return self._write(
            "INSERT OR REPLACE INTO cooldowns VALUES (?, ?, ?)", (breaker, kind, told_at)
        )

    def save_silence(self, silence: Silence) -> bool:
        """Keeps a silence."""
        row = (silence.id, json.dumps(asdict(silence)))
        return self._write("INSERT OR REPLACE INTO silences VALUES (?, ?)", row)

    def history(self, limit: int, phase: str | None = None) -> list[Incident]:
        """The latest incidents, finished ones too, newest first; all, or those in one phase."""
        found: list[Incident] = []
        with self._guarded("read"):
            query = (
                "SELECT data FROM incidents WHERE ?1 IS NULL OR phase = ?1 "
                "ORDER BY opened_at DESC LIMIT ?2"
            )
            for (data,) in self._rows(query, (phase, limit)):
                found += _parsed(data, Incident.from_dict)
        return found

    def prune_silences(self, now: float) -> None:
        """Forgets the silences that are over."""
        self._write("DELETE FROM silences WHERE json_extract(data, '$.ends_at') <= ?", (now,))

    def prune(self) -> None:
        """Forgets the oldest finished incidents beyond the latest thousand."""
        self._write(
            "DELETE FROM incidents WHERE done AND id NOT IN "
            "(SELECT id FROM incidents ORDER BY opened_at DESC LIMIT ?)",
            (_KEPT_CLOSED,),
        )

    def _locked(self) -> IO[str]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.with_name(self.path.name + ".lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise sqlite3.OperationalError("another process uses it") from error
        return file

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    def _write(self, statement: str, values: tuple[object, ...]) -> bool:
        if self._connection is None:
            self.open()
        if self._connection is None:
            return False
        with self._guarded("write"):
            with self._connection:
                self._connection.execute(statement, values)
            self._tell("")
            return True
        return False

    def _guarded(self, what: str) -> "_Guard":
        return _Guard(self, what)

    def _tell(self, problem: str) -> None:
        if problem and problem != self.problem:
            _log.error("incidents are kept in memory only", file=str(self.path), problem=problem)
        elif self.problem and not problem:
            _log.info("incidents are kept in the file again", file=str(self.path))
        self.problem = problem


class _Guard:
    """Turns a failure of the file into the store's `problem`."""

    def __init__(self, store: Store, what: str) -> None:
        self._store = store
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, exc_type: object, exc: BaseException | None, traceback: object) -> bool:
        if not isinstance(exc, sqlite3.Error | OSError):
            return False
        self._store._tell(f"{self._store.path}: cannot {self._what}: {exc}")  # noqa: SLF001 - its own guard
        return True


def _parsed(data: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """What stands in a row, or none where it is damaged, which must not stop the others."""
    try:
        return [make(json.loads(data))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("a row of the file cannot be read", problem=repr(error), row=data[:200])
        return []


def _silence(data: dict[str, Any]) -> Silence:
    return Silence(**data)
