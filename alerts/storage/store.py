"""Store: incidents, cooldowns, silences, the lease and peer reports in a shared database.

The process works on its memory; the database is a copy. So a full disk or a damaged file costs the
copy, which is logged and retried, and no alert.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.storage.liveness_lock import LivenessLock
from breakerd.alerts.storage.schema import FORMAT, MOVED_TO, SCHEMA
from breakerd.alerts.storage.silence_table import SilenceTable
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.database import Database
from breakerd.breaker.storage.timed_database import TimedDatabase

T = TypeVar("T")

_log = get_logger(__name__)

_MAX_CLOSED: Final = 1000
"""Maximum number of settled incidents that are kept."""
_VALUE: Final = "SELECT value FROM metadata WHERE name = ?"
_SAVE_INCIDENT: Final = "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?)"
_ADD_INCIDENT: Final = "INSERT OR IGNORE INTO incidents VALUES (?, ?, ?, ?, ?, ?)"

ADOPT_INCIDENT: Final = "adopt"
"""Command: the leader takes over this incident."""


class LeaseLostError(Exception):
    """Another process is the leader now; what this one knows of incidents is outdated."""


class Store:
    """Shared database, as one process uses it. Thread-safe.

    The only exception it raises is `LeaseLostError`. For failures of the file see `problem`.

    Args:
        path: the file; created if missing.
        process: unique id of this process.

    Attributes:
        process: id of this process.
        silences: the silences in it.
        relocation_problem: why the settings name another file, as a sentence; empty if not.
    """

    def __init__(self, path: str | Path, process: str) -> None:
        self.process = process
        self._liveness = LivenessLock(Path(path), process)
        self._term = 0
        self._database = TimedDatabase(Path(path), SCHEMA, FORMAT, self._liveness.acquire)
        self.silences = SilenceTable(self._database)
        self.relocation_problem = ""

    @property
    def database(self) -> Database:
        """The open file."""
        return self._database

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self._database.path

    @property
    def problem(self) -> str:
        """Reason why nothing is stored at present; empty if there is none."""
        return self._database.problem

    @property
    def quarantined(self) -> str:
        """Action taken on a damaged file, as a sentence; empty if there was none."""
        return self._database.quarantined

    @property
    def busy(self) -> bool:
        """True if another process has been writing for too long; reading works."""
        return self._database.busy

    def open(self) -> None:
        """Open or create the file. A damaged file is renamed and replaced."""
        self._database.open()

    def close(self) -> None:
        """Close the file for good. Later writes are lost."""
        self._database.finish(self._liveness.release)
        self._database.close()

    def switch_to(self, other: "Store") -> None:
        """Go on with the file of `other`, which this process has opened; close the present one."""
        former, liveness = self._database, self._liveness
        self._database, self._liveness = other._database, other._liveness  # noqa: SLF001 - a store
        self._term = other._term  # noqa: SLF001 - of the lease that was acquired there
        self.silences.switch_to(self._database)
        former.finish(liveness.release)
        former.close()

    def reopened(self) -> bool:
        """Return True if the file was opened since the last call, as it was missing or damaged.

        The caller must then write everything it has in memory again.
        """
        return self._database.reopened()

    # --- lease

    def acquire_lease(self, boot: str, now: float, length: float) -> int | None:
        """Acquire or renew the lease for `length` seconds.

        Args:
            boot: id of the machine's boot; a lease from an earlier boot does not count.
            now: seconds of a clock that all processes of the machine share.
            length: duration in seconds.

        Returns:
            The term, a fencing token that grows whenever another process becomes the leader; 0 if
            another process holds the lease, or the leader has moved to another database; None if
            the file fails.
        """

        def take(connection: sqlite3.Connection) -> int:
            if connection.execute(_VALUE, (MOVED_TO,)).fetchone():
                return 0
            found = connection.execute("SELECT holder, boot, expires, term FROM lease").fetchone()
            holder, of_boot, expires, term = found or ("", "", 0.0, 0)
            if of_boot == boot and self._is_held_by_other(holder, expires, now):
                return 0
            term += holder != self.process
            values = (self.process, boot, now + length, term)
            connection.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?)", values)
            self._term = term
            return int(term)

        acquired = self._database.transaction("acquire the lease", take)
        if acquired is None and self.busy:
            # A process is stuck in the middle of a write. The holder can still be read.
            query = "SELECT holder, expires FROM lease WHERE boot = ?"
            for holder, expires in self._database.rows(query, (boot,)):
                if self._is_held_by_other(holder, expires, now):
                    return 0
        return acquired

    def _is_held_by_other(self, holder: str, expires: float, now: float) -> bool:
        return holder != self.process and now < expires and not self.is_dead(holder)

    def is_dead(self, process: str) -> bool:
        """Return True if that process, which shares the database, has ended."""
        return self._database.call(lambda: self._liveness.is_dead(process), default=False)

    def release(self) -> None:
        """Release the lease, and delete what this process has published."""

        def leave(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE lease SET holder = '', expires = 0 WHERE holder = ?", (self.process,)
            )
            connection.execute("DELETE FROM peers WHERE id = ?", (self.process,))
            connection.execute("DELETE FROM reports WHERE id = ?", (self.process,))

        self._database.transaction("release the lease", leave)

    def holder(self) -> str:
        """Return the id of the process that holds the lease; empty if none does, or on failure."""
        for (holder,) in self._database.rows("SELECT holder FROM lease"):
            return str(holder)
        return ""

    # --- peers

    def register(self, boot: str) -> bool:
        """Make this process visible to `count_peers` of the others; return False on failure."""
        return self._database.write(
            "INSERT OR REPLACE INTO peers VALUES (?, ?)", [(self.process, boot)]
        )

    def count_peers(self, boot: str) -> int:
        """Return how many other living processes have registered since this boot."""
        rows = self._database.rows("SELECT id, boot FROM peers WHERE id != ?", (self.process,))
        gone = [
            (process,)
            for process, known_boot in rows
            if known_boot != boot or self.is_dead(process)
        ]
        if gone:
            self._database.write("DELETE FROM peers WHERE id = ?", gone)
        return len(rows) - len(gone)

    def publish_report(self, boot: str, now: float, report: str) -> None:
        """Store what this process observes, for the leader."""
        values = (self.process, boot, now, report)
        self._database.write("INSERT OR REPLACE INTO reports VALUES (?, ?, ?, ?)", [values])

    def peer_reports(self, boot: str, after: float) -> list[str]:
        """Return what other living processes published after `after`; delete all older reports."""
        found, gone = [], []
        for process, known_boot, seen, report in self._database.rows(
            "SELECT id, boot, seen, report FROM reports WHERE id != ?", (self.process,)
        ):
            if known_boot == boot and seen > after and not self.is_dead(process):
                found.append(report)
            else:
                gone.append((process,))
        if gone:
            self._database.write("DELETE FROM reports WHERE id = ?", gone)
        return found

    # --- incidents

    def load(self) -> tuple[list[Incident], dict[tuple[str, str], float]]:
        """Return the unsettled incidents, and the cooldowns by (breaker, kind)."""
        incidents: list[Incident] = []
        for (data,) in self._database.rows(
            "SELECT data FROM incidents WHERE NOT settled ORDER BY opened_at"
        ):
            incidents += _parsed(data, Incident.from_dict)
        rows = self._database.rows("SELECT breaker, kind, notified_at FROM cooldowns")
        return incidents, {(breaker, kind): notified_at for breaker, kind, notified_at in rows}

    def save(
        self,
        incidents: Iterable[tuple[Incident, bool]],
        cooldowns: dict[tuple[str, str], float],
        executed: int = 0,
    ) -> bool:
        """Save incidents, each with whether it is settled, and cooldowns; return False on failure.

        Args:
            incidents: each with True if it is settled.
            cooldowns: time of the last notification by (breaker, kind).
            executed: commands up to this number have taken effect in `incidents`, and are deleted.

        Raises:
            LeaseLostError: another process is the leader; nothing was written.
        """
        rows = [_row(incident, settled=settled) for incident, settled in incidents]
        notified = [(breaker, kind, at) for (breaker, kind), at in cooldowns.items()]

        def write(connection: sqlite3.Connection) -> bool:
            lease = connection.execute("SELECT holder, term FROM lease").fetchone()
            if lease is not None and lease != (self.process, self._term):
                raise LeaseLostError(lease[0])
            connection.executemany(_SAVE_INCIDENT, rows)
            connection.executemany("INSERT OR REPLACE INTO cooldowns VALUES (?, ?, ?)", notified)
            if executed:
                connection.execute("DELETE FROM commands WHERE number <= ?", (executed,))
            return True

        return self._database.transaction("write", write) or False

    def hand_over(self, incidents: Iterable[Incident]) -> bool:
        """Leave incidents that the leader does not have to it; return False on failure.

        Incidents that are in the database already stay as the leader has saved them.
        """
        rows = [_row(incident, settled=False) for incident in incidents]
        commands = [(row[0], json.dumps({"action": ADOPT_INCIDENT})) for row in rows]

        def write(connection: sqlite3.Connection) -> bool:
            connection.executemany(_ADD_INCIDENT, rows)
            connection.executemany("INSERT INTO commands (incident, data) VALUES (?, ?)", commands)
            return True

        return not rows or bool(self._database.transaction("write", write))

    def history(self, limit: int, phase: str | None = None) -> list[Incident]:
        """Return the latest incidents, settled ones too, newest first; all, or those in a phase."""
        found: list[Incident] = []
        query = (
            "SELECT data FROM incidents WHERE ?1 IS NULL OR phase = ?1 "
            "ORDER BY opened_at DESC LIMIT ?2"
        )
        for (data,) in self._database.rows(query, (phase, limit)):
            found += _parsed(data, Incident.from_dict)
        return found

    def find(self, incident_id: str) -> Incident | None:
        """Return the incident of that id, settled or not; None if there is none."""
        query = "SELECT data FROM incidents WHERE id = ?"
        for (data,) in self._database.rows(query, (incident_id,)):
            return next(iter(_parsed(data, Incident.from_dict)), None)
        return None

    def prune_closed(self) -> None:
        """Delete the oldest settled incidents beyond the latest thousand."""
        self._database.write(
            "DELETE FROM incidents WHERE settled AND id NOT IN "
            "(SELECT id FROM incidents ORDER BY opened_at DESC LIMIT ?)",
            [(_MAX_CLOSED,)],
        )
        self._database.give_back()

    # --- commands

    def enqueue(self, incident_id: str, data: dict[str, str]) -> bool:
        """Add a command about an incident for the leader; return False on failure."""
        row = (incident_id, json.dumps(data))
        return self._database.write("INSERT INTO commands (incident, data) VALUES (?, ?)", [row])

    def commands(self, after: int) -> list[tuple[int, str, dict[str, str]]]:
        """Return number, incident and data of each command with a number above `after`, in order.

        They stay in the database until `save` deletes them with what they have changed.
        """
        query = "SELECT number, incident, data FROM commands WHERE number > ? ORDER BY number"
        return [
            (number, incident, json.loads(data))
            for number, incident, data in self._database.rows(query, (after,))
        ]

    # --- metadata

    def has_leader_or_pending(self) -> bool:
        """Return True if a process holds the lease, or an incident is not settled."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM lease WHERE holder != '') "
            "OR EXISTS (SELECT 1 FROM incidents WHERE NOT settled)"
        )
        return any(found for (found,) in self._database.rows(query))

    def get_value(self, name: str) -> str:
        """Return the value stored under that name; empty if there is none."""
        for (value,) in self._database.rows(_VALUE, (name,)):
            return str(value)
        return ""

    def set_value(self, name: str, value: str) -> bool:
        """Store a value under a name; return False on failure."""
        return self._database.write("REPLACE INTO metadata VALUES (?, ?)", [(name, value)])


def _row(incident: Incident, *, settled: bool) -> tuple[Any, ...]:
    data = json.dumps(incident.as_dict())
    phase = incident.phase.value
    return incident.id, incident.breaker, phase, incident.opened_at, settled, data


def _parsed(data: str, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """Parse one row; return an empty list if it is damaged, so that the others are still read."""
    try:
        return [make(json.loads(data))]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _log.error("database row is invalid", problem=repr(error), row=data[:200])
        return []
