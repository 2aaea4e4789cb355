"""The file of the record, as the processes of a host write it."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.lease import take_lease
from breakerd.breaker.record.retention import Limits, fine_floor, prune, shrink
from breakerd.breaker.record.rows import RecordError, Rows
from breakerd.breaker.record.schema import FORMAT, OPTIONS, SCHEMA
from breakerd.breaker.record.slot_codec import encode_slot
from breakerd.breaker.record.summing import sum_members
from breakerd.breaker.storage.timed_database import TimedDatabase


@dataclass(frozen=True, slots=True)
class Member:
    """One process that writes.

    Attributes:
        key: its id, of no other process at any time.
        host: name of its host.
        name: HOST:PID.
    """

    key: str
    host: str
    name: str


@dataclass(frozen=True, slots=True)
class Portion:
    """What a process writes at once.

    Attributes:
        slots: its own slots of ten seconds, by breaker; they replace what it wrote for the same.
        events: its events.
    """

    slots: Sequence[tuple[str, HistorySlot]] = ()
    events: Sequence[RecordEvent] = field(default=())


class RecordTable:
    """Slots and events in a SQLite file. Thread-safe. An inherited one does not work in a fork.

    Args:
        path: the file; created if it is missing, and readable by its user only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = TimedDatabase(path, SCHEMA, FORMAT, _nothing, OPTIONS)

    @property
    def problem(self) -> str:
        """Return why nothing is stored at present; empty if all is well."""
        return self._database.problem

    @property
    def generation(self) -> int:
        """Return how often the file was opened: what was written before may be in another one."""
        return self._database.generation

    def open(self) -> None:
        """Open or create the file.

        Raises:
            RuntimeError: its thread cannot be started.
        """
        self._database.open()

    def close(self) -> None:
        """Close the file for good."""
        self._database.close()

    def rows(self, query: str, values: tuple[object, ...] = ()) -> Rows:
        """Return the rows of a query.

        Raises:
            RecordError: the file fails.
        """
        found = self._database.try_rows(query, values)
        if found is None:
            raise RecordError(self.problem or f"{self.path}: cannot read the record")
        return found

    def write(self, member: Member, portion: Portion, now: float) -> bool:
        """Write slots and events of a process, all or none; return False if the file fails.

        Args:
            member: the process.
            portion: what to write. Slots that are older than those that are kept are left out.
            now: seconds since the epoch.
        """

        def act(connection: sqlite3.Connection) -> bool:
            if portion.slots:
                _write_slots(connection, member, portion.slots, now)
            connection.executemany(_ADD_EVENT, [_event_row(member, e) for e in portion.events])
            return True

        return self._database.transaction("write the record", act) or False

    def lead(self, member: Member, limits: Limits, now: float, *, pruning: bool) -> bool:
        """Do the work of the leader, unless another process is it; return True if it was done.

        Args:
            member: the process.
            limits: how much is kept.
            now: seconds since the epoch.
            pruning: True to delete what is older than the limits as well.
        """
        if not self._transaction("lease", lambda c: take_lease(c, member.key, now)):
            return False
        while self._transaction("sum slots", lambda c: sum_members(c, now)):
            pass
        if pruning:
            self._prune(limits, now)
        return True

    def _prune(self, limits: Limits, now: float) -> None:
        self._transaction("prune", lambda c: prune(c, limits, now))
        while self._transaction("shrink", lambda c: shrink(c, limits)):
            self._give_back()
        self._give_back()

    def _give_back(self) -> None:
        """Return all free space to the file system, in portions; the rest later if it fails."""
        before = 0
        while (free := self._free_pages()) and free != before:
            self._database.give_back()
            before = free

    def _free_pages(self) -> int:
        return next((int(free) for (free,) in self._database.rows("PRAGMA freelist_count")), 0)

    def _transaction(self, what: str, act: Callable[[sqlite3.Connection], int]) -> int:
        return self._database.transaction(what, act) or 0


_ADD_EVENT: Final = (
    "INSERT INTO events (time, breaker, kind, text, data, host, process) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _event_row(member: Member, event: RecordEvent) -> tuple[object, ...]:
    data = dumps(dict(event.data), compact=True, default=str)
    host, process = event.host or member.host, event.process or member.name
    return event.time, event.breaker, event.kind, event.text, data, host, process


def _write_slots(
    connection: sqlite3.Connection,
    member: Member,
    slots: Sequence[tuple[str, HistorySlot]],
    now: float,
) -> None:
    process, floor = _process_number(connection, member, now), fine_floor(connection)
    numbers = {name: _breaker_number(connection, name) for name in {name for name, _ in slots}}
    connection.executemany(
        "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, 0)",
        [
            (numbers[name], int(slot.start), process, encode_slot(slot))
            for name, slot in slots
            if slot.start >= floor
        ],
    )


def _process_number(connection: sqlite3.Connection, member: Member, now: float) -> int:
    connection.execute(
        "INSERT INTO processes (key, name, seen) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET seen = excluded.seen",
        (member.key, member.name, now),
    )
    query = "SELECT id FROM processes WHERE key = ?"
    return int(connection.execute(query, (member.key,)).fetchone()[0])


def _breaker_number(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO breakers (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM breakers WHERE name = ?", (name,)).fetchone()[0])


def _nothing() -> None:
    """Do nothing before the file is opened."""
