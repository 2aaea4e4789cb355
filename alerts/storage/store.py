"""Incidents, cooldowns, silences and the lease in SQLite, for several processes of one machine.

What is told is read from memory; the file is its copy. So a full disk or a broken file costs the
copy, which is said loudly and tried again, and not the alert.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.storage.liveness_lock import LivenessLock
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.database import Database

T = TypeVar("T")

_log = get_logger(__name__)

FORMAT: Final = 2
"""Of the file; one of a later format is left alone."""
_KEPT_CLOSED: Final = 1000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY, breaker TEXT NOT NULL, phase TEXT NOT NULL,
    opened_at REAL NOT NULL, done INTEGER NOT NULL, data TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS incidents_by_time ON incidents (opened_at);
CREATE TABLE IF NOT EXISTS cooldowns (
    breaker TEXT NOT NULL, kind TEXT NOT NULL, notified_at REAL NOT NULL,
    PRIMARY KEY (breaker, kind)
);
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, boot TEXT NOT NULL,
    expires REAL NOT NULL, term INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS processes (
    id TEXT PRIMARY KEY, boot TEXT NOT NULL, seen REAL NOT NULL, testimony TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS wishes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_KEEP_INCIDENT: Final = "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?)"
_ADD_INCIDENT: Final = "INSERT OR IGNORE INTO incidents VALUES (?, ?, ?, ?, ?, ?)"

ADOPT_INCIDENT: Final = "adopt"
"""The wish that whoever sends takes up an incident."""


class LeaseLostError(Exception):
    """Another process sends now: what this one knows of incidents is out of date."""


class Store:
    """The file, as one process uses it. Thread-safe.

    It never raises but `LeaseLostError`: see `problem`.

    Args:
        path: the file; made where it is missing.
        process: who uses it; unique.
    """

    def __init__(self, path: str | Path, process: str) -> None:
        self.process = process
        self._alive = LivenessLock(Path(path), process)
        self._term = 0
        self._file = Database(Path(path), _SCHEMA, FORMAT, self._alive.acquire)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def problem(self) -> str:
        """Why nothing is kept at the moment; empty if all is well."""
        return self._file.problem

    @property
    def quarantined(self) -> str:
        """What became of a damaged file; empty if there was none."""
        return self._file.quarantined

    @property
    def busy(self) -> bool:
        """Whether another process is in the middle of writing, for too long; reading works."""
        return self._file.busy

    def open(self) -> None:
        """Opens or makes the file; one that is damaged is put aside."""
        self._file.open()

    def close(self) -> None:
        """Closes it, for good: what is written from then on is lost."""
        self._file.close()
        self._alive.release()

    def reopened(self) -> bool:
        """Whether the file was opened since this was asked last, as it was missing or damaged.

        What is in memory must be written again then.
        """
        return self._file.reopened()

    # --- who sends

    def acquire_lease(self, boot: str, now: float, length: float) -> int | None:
        """Takes or renews the right to send, for `length` seconds.

        Args:
            boot: of the machine; a lease from before a restart counts no more.
            now: seconds of a clock that all processes of the machine share.
            length: seconds.

        Returns:
            Which term of sending it is, a number that grows each time that another process begins
            to; 0 if another one sends; None if the file cannot be asked.
        """

        def take(connection: sqlite3.Connection) -> int:
            found = connection.execute("SELECT holder, boot, expires, term FROM lease").fetchone()
            holder, of_boot, expires, term = found or ("", "", 0.0, 0)
            if of_boot == boot and self._is_anothers(holder, expires, now):
                return 0
            term += holder != self.process
            values = (self.process, boot, now + length, term)
            connection.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?)", values)
            self._term = term
            return int(term)

        claimed = self._file.transaction("claim", take)
        if claimed is None and self.busy:
            # Somebody stopped in the middle of writing. Who sends may be read all the same.
            query = "SELECT holder, expires FROM lease WHERE boot = ?"
            for holder, expires in self._file.rows(query, (boot,)):
                if self._is_anothers(holder, expires, now):
                    return 0
        return claimed

    def _is_anothers(self, holder: str, expires: float, now: float) -> bool:
        """Whether a lease since this start of the machine is in force, and not ours."""
        return holder != self.process and now < expires and not self._alive.is_dead(holder)

    def release(self) -> None:
        """Gives the right to send away, and what this process said of its breakers."""

        def leave(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE lease SET holder = '', expires = 0 WHERE holder = ?", (self.process,)
            )
            connection.execute("DELETE FROM processes WHERE id = ?", (self.process,))

        self._file.transaction("release", leave)

    def holder(self) -> str:
        """Which process sends; empty if none does, or that cannot be read."""
        for (holder,) in self._file.rows("SELECT holder FROM lease"):
            return str(holder)
        return ""

    def publish_report(self, boot: str, now: float, testimony: str) -> None:
        """Writes down what this process sees of its breakers."""
        values = (self.process, boot, now, testimony)
        self._file.write("INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?)", [values])

    def peer_reports(self, boot: str, after: float) -> list[str]:
        """What other living processes have written down since `after`; that of others goes."""
        found, gone = [], []
        for process, known_boot, seen, testimony in self._file.rows(
            "SELECT id, boot, seen, testimony FROM processes WHERE id != ?", (self.process,)
        ):
            if known_boot == boot and seen > after and not self._alive.is_dead(process):
                found.append(testimony)
            else:
                gone.append((process,))
        if gone:
            self._file.write("DELETE FROM processes WHERE id = ?", gone)
        return found

    # --- incidents

    def load(self) -> tuple[list[Incident], dict[tuple[str, str], float]]:
        """Unfinished incidents, and cooldowns by (breaker, kind)."""
        incidents: list[Incident] = []
        for (data,) in self._file.rows(
            "SELECT data FROM incidents WHERE NOT done ORDER BY opened_at"
        ):
            incidents += _parsed(data, Incident.from_dict)
        rows = self._file.rows("SELECT breaker, kind, notified_at FROM cooldowns")
        return incidents, {(breaker, kind): notified_at for breaker, kind, notified_at in rows}

    def save(
        self, incidents: Iterable[tuple[Incident, bool]], cooldowns: dict[tuple[str, str], float]
    ) -> bool:
        """Keeps incidents as they are now, each with whether it is done; False if that failed.

        Raises:
            LeaseLostError: another process sends; nothing was written.
        """
        rows = [_row(incident, done=done) for incident, done in incidents]
        told = [(breaker, kind, notified_at) for (breaker, kind), notified_at in cooldowns.items()]

        def write(connection: sqlite3.Connection) -> bool:
            lease = connection.execute("SELECT holder, term FROM lease").fetchone()
            if lease is not None and lease != (self.process, self._term):
                raise LeaseLostError(lease[0])
            connection.executemany(_KEEP_INCIDENT, rows)
            connection.executemany("INSERT OR REPLACE INTO cooldowns VALUES (?, ?, ?)", told)
            return True

        return self._file.transaction("write", write) or False

    def hand_over(self, incidents: Iterable[Incident]) -> None:
        """Leaves incidents that were begun without the file to the process that sends.

        Of those that are in the file, that process knows best.
        """
        rows = [_row(incident, done=False) for incident in incidents]
        wishes = [(row[0], json.dumps({"action": ADOPT_INCIDENT})) for row in rows]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_ADD_INCIDENT, rows)
            connection.executemany("INSERT INTO wishes (incident, data) VALUES (?, ?)", wishes)

        if rows:
            self._file.transaction("write", write)

    def history(self, limit: int, phase: str | None = None) -> list[Incident]:
        """The latest incidents, finished ones too, newest first; all, or those in one phase."""
        found: list[Incident] = []
        query = (
            "SELECT data FROM incidents WHERE ?1 IS NULL OR phase = ?1 "
            "ORDER BY opened_at DESC LIMIT ?2"
        )
        for (data,) in self._file.rows(query, (phase, limit)):
            found += _parsed(data, Incident.from_dict)
        return found

    def find(self, incident_id: str) -> Incident | None:
        """The incident of that id, finished or not."""
        for (data,) in self._file.rows("SELECT data FROM incidents WHERE id = ?", (incident_id,)):
            return next(iter(_parsed(data, Incident.from_dict)), None)
        return None

    def prune_closed(self) -> None:
        """Forgets the oldest finished incidents beyond the latest thousand."""
        self._file.write(
            "DELETE FROM incidents WHERE done AND id NOT IN "
            "(SELECT id FROM incidents ORDER BY opened_at DESC LIMIT ?)",
            [(_KEPT_CLOSED,)],
        )

    # --- silences

    def silences(self) -> list[Silence]:
        """All silences that were not pruned."""
        found: list[Silence] = []
        for (data,) in self._file.rows("SELECT data FROM silences"):
            found += _parsed(data, Silence.from_dict)
        return found

    def save_silence(self, silence: Silence) -> bool:
        """Keeps a silence; False if that failed."""
        row = (silence.id, json.dumps(silence.as_dict()))
        return self._file.write("INSERT OR REPLACE INTO silences VALUES (?, ?)", [row])

    def prune_silences(self, now: float) -> None:
        """Forgets the silences that are over."""
        self._file.write(
            "DELETE FROM silences WHERE json_extract(data, '$.ends_at') <= ?", [(now,)]
        )

    # --- what is wanted of whoever sends

    def enqueue(self, incident_id: str, data: dict[str, str]) -> bool:
        """Asks the process that sends to do something with an incident; False if that failed."""
        row = (incident_id, json.dumps(data))
        return self._file.write("INSERT INTO wishes (incident, data) VALUES (?, ?)", [row])

    def dequeue_all(self) -> list[tuple[str, dict[str, str]]]:
        """What was asked for, which is forgotten by that, oldest first."""
        rows = self._file.rows("SELECT number, incident, data FROM wishes ORDER BY number")
        if not rows:
            return []
        if not self._file.write("DELETE FROM wishes WHERE number <= ?", [(rows[-1][0],)]):
            return []
        return [(incident, json.loads(data)) for _, incident, data in rows]

    # --- single facts

    def has_leader_or_pending(self) -> bool:
        """Whether another process sends, or something is still to be told."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM lease WHERE holder != '') "
            "OR EXISTS (SELECT 1 FROM incidents WHERE NOT done)"
        )
        return any(found for (found,) in self._file.rows(query))

    def get_value(self, name: str) -> str:
        """What was kept under that name; empty if nothing was."""
        for (value,) in self._file.rows("SELECT value FROM facts WHERE name = ?", (name,)):
            return str(value)
        return ""

    def set_value(self, name: str, value: str) -> None:
        """Keeps one value under a name."""
        self._file.write("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(name, value)])


def _row(incident: Incident, *, done: bool) -> tuple[Any, ...]:
    data = json.dumps(incident.as_dict())
    phase = incident.phase.value
    return incident.id, incident.breaker, phase, incident.opened_at, done, data


def _parsed(data: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """What stands in a row, or none where it is damaged, which must not stop the others."""
    try:
        return [make(json.loads(data))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("a row of the file cannot be read", problem=repr(error), row=data[:200])
        return []
