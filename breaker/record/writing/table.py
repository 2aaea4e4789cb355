"""The file of the record, as the processes of a host write it."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.rows import RecordError, Rows
from breakerd.breaker.record.schema import FORMAT, OPTIONS, SCHEMA
from breakerd.breaker.record.slot_codec import encode_slot
from breakerd.breaker.record.writing.event_queue import Numbered
from breakerd.breaker.record.writing.lease import release_lease, take_lease
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.retention import Limits, fine_floor, prune, shrink
from breakerd.breaker.record.writing.summing import sum_members
from breakerd.breaker.storage.timed_database import TimedDatabase

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Portion:
    """What a process writes at once.

    Attributes:
        slots: its own slots of ten seconds; each replaces what it wrote with the same number.
        events: its events with their numbers; one that is in the file is left out.
    """

    slots: Sequence[OwnSlot] = ()
    events: Sequence[Numbered] = ()


class RecordTable:
    """Slots and events in a SQLite file. Thread-safe. An inherited one does not work in a fork.

    Args:
        path: the file; created if it is missing, and readable by its user only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = False
        """True once it was opened, until it is closed."""
        self._database = TimedDatabase(path, SCHEMA, FORMAT, _nothing, OPTIONS)
        self._no_thread = ""

    @property
    def problem(self) -> str:
        """Return why nothing is stored at present; empty if all is well."""
        return self._no_thread or self._database.problem

    @property
    def generation(self) -> int:
        """Return how often the file was opened: what was written before may be in another one."""
        return self._database.generation

    def open(self) -> None:
        """Open or create the file; no effect if it was opened."""
        if self.opened:
            return
        try:
            self._database.open()
        except RuntimeError as error:
            if not self._no_thread:
                _log.error("no thread for the record, tried again", problem=str(error))
            self._no_thread = f"{self.path}: {error}"
        else:
            self.opened, self._no_thread = True, ""

    def close(self) -> None:
        """Close the file for good."""
        if self.opened:
            self.opened = False
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

        It is opened if necessary.

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

        self.open()
        return self._database.transaction("write the record", act) or False

    def has_unsummed(self) -> bool:
        """Return True if there is something to sum, now or later."""
        return bool(self._database.rows("SELECT 1 FROM members WHERE NOT summed LIMIT 1"))

    def release(self, member: Member) -> None:
        """Let another process lead at once."""
        self._transaction("release the lease", lambda c: release_lease(c, member.key))

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
    "INSERT OR IGNORE INTO events (time, breaker, kind, text, data, host, process, writer, number) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _event_row(member: Member, numbered: Numbered) -> tuple[object, ...]:
    number, event = numbered
    data = dumps(dict(event.data), compact=True, default=str)
    host, process = event.host or member.host, event.process or member.name
    return (
        event.time, event.breaker, event.kind, event.text, data, host, process, member.key, number
    )  # fmt: skip


def _write_slots(
    connection: sqlite3.Connection,
    member: Member,
    slots: Sequence[OwnSlot],
    now: float,
) -> None:
    process, floor = _process_number(connection, member, now), fine_floor(connection)
    numbers = {name: _breaker_number(connection, name) for name in {each.breaker for each in slots}}
    connection.executemany(
        "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, 0)",
        [
            (numbers[name], int(slot.start), process, number, encode_slot(slot))
            for name, number, slot in slots
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
