"""Records of a hub in a SQLite file, during one transaction."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from breakerd.breaker.fleet.hub.records import Record

_TABLES: Final = {
    "record": "key TEXT PRIMARY KEY, value TEXT NOT NULL, idle_since REAL",
    "heard": "member TEXT PRIMARY KEY, live INTEGER NOT NULL, at REAL NOT NULL",
    "command_mark": "id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL",
    "topic": "name TEXT PRIMARY KEY, version INTEGER NOT NULL",
    "entry": "topic TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, at REAL NOT NULL, "
    "value TEXT NOT NULL, PRIMARY KEY (topic, key)",
    "lease": "name TEXT PRIMARY KEY, holder TEXT NOT NULL, term INTEGER NOT NULL, until REAL",
}
_STATEMENTS: Final = (
    *(f"CREATE TABLE IF NOT EXISTS {name} ({columns})" for name, columns in _TABLES.items()),
    "CREATE INDEX IF NOT EXISTS idle ON record (idle_since) WHERE idle_since IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS heard_order ON heard (live, at)",
    "CREATE INDEX IF NOT EXISTS entry_order ON entry (topic, version)",
)
SCHEMA: Final = ";\n".join(_STATEMENTS) + ";"
"""Script that creates missing tables."""
VERSION: Final = 1
"""Format of the file."""
_IDLE_KEPT: Final = 600.0
"""Seconds for which sums without members are kept."""
_POOL: Final = "pool:"


class SqliteRecords:
    """Records, read when they are asked for, and written by `save` if they have changed.

    Nothing is written before, so that others are kept from writing for no longer than that takes. A
    record is read once, and the same object is handed out again.

    Args:
        connection: connection within a transaction.

    Attributes:
        connection: the same.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._records: dict[str, Record | None] = {}
        self._texts: dict[str, str] = {}
        """Records as they are in the file."""
        self._changed: set[str] = set()
        self._deleted: set[str] = set()
        self._heard: dict[str, tuple[bool, float] | None] = {}
        """Changes by `heard` and `forget`: live and time, None for nothing."""

    def get(self, key: str) -> Record | None:
        """Return the record of `key`; None if there is none.

        Raises:
            ValueError: it is no JSON object.
        """
        if key not in self._records:
            self._records[key] = self._read(key)
        return self._records[key]

    def put(self, key: str, record: Record) -> None:
        """Store the record when the transaction ends."""
        self._records[key] = record
        self._changed.add(key)
        self._deleted.discard(key)

    def delete(self, key: str) -> None:
        """Remove the record, if there is one."""
        self._records[key] = None
        self._changed.discard(key)
        self._texts.pop(key, None)
        self._deleted.add(key)

    def heard(self, member: str, at: float, *, live: bool = True) -> None:
        """Note when the member was last heard, and whether it is live."""
        self._heard[member] = (live, at)

    def forget(self, member: str) -> None:
        """Forget when the member was heard."""
        self._heard[member] = None

    def oldest(self, count: int, *, live: bool = True) -> list[tuple[str, float]]:
        """Return (member, time) of those heard the longest time ago, that one first."""
        query = "SELECT member, at FROM heard WHERE live = ? ORDER BY at LIMIT ?"
        stored = self.connection.execute(query, (live, count + len(self._heard))).fetchall()
        return self._with_heard(stored, live=live)[:count]

    def all_heard(self) -> list[tuple[str, float]]:
        """Return (member, time) of all members, in the order in which they were heard."""
        query = "SELECT member, at FROM heard WHERE live = ? ORDER BY at"
        return [
            each
            for live in (True, False)
            for each in self._with_heard(
                self.connection.execute(query, (live,)).fetchall(), live=live
            )
        ]

    def clear(self) -> None:
        """Make all tables anew, whatever has become of them."""
        for table in _TABLES:
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _STATEMENTS:
            self.connection.execute(statement)
        for held in (self._records, self._texts, self._changed, self._deleted, self._heard):
            held.clear()

    def note_command(self) -> None:
        """Raise the number by which members notice that there is something new."""
        self.connection.execute(
            "INSERT INTO command_mark (id, number) VALUES (1, 1) "
            "ON CONFLICT (id) DO UPDATE SET number = number + 1"
        )

    def save(self, now: float) -> None:
        """Write what has changed, and remove sums that have had no members for ten minutes."""
        rows = list(self._rows(now))
        execute = self.connection.executemany
        execute(
            "INSERT INTO record (key, value, idle_since) VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value, "
            "idle_since = excluded.idle_since",
            rows,
        )
        execute("DELETE FROM record WHERE key = ?", [(key,) for key in self._deleted])
        execute("DELETE FROM heard WHERE member = ?", [(member,) for member in self._heard])
        execute(
            "INSERT INTO heard (member, live, at) VALUES (?, ?, ?)",
            [(member, *noted) for member, noted in self._heard.items() if noted is not None],
        )
        self.connection.execute("DELETE FROM record WHERE idle_since < ?", (now - _IDLE_KEPT,))

    def _with_heard(
        self, stored: list[tuple[str, float]], *, live: bool
    ) -> list[tuple[str, float]]:
        """Return the members of one order, with what has changed in this transaction."""
        kept = [(member, at) for member, at in stored if member not in self._heard]
        noted = [
            (member, each[1])
            for member, each in self._heard.items()
            if each is not None and each[0] == live
        ]
        return sorted([*kept, *noted], key=lambda each: each[1])

    def _rows(self, now: float) -> Iterator[tuple[str, str, float | None]]:
        for key in self._changed:
            record = self._records[key]
            text = json.dumps(record, separators=(",", ":"))
            if record is not None and text != self._texts.get(key):
                idle = key.startswith(_POOL) and not record["members"]
                yield key, text, now if idle else None

    def _read(self, key: str) -> Record | None:
        query = "SELECT value FROM record WHERE key = ?"
        row = self.connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        record: Any = json.loads(row[0])
        if not isinstance(record, dict):
            raise TypeError(f"{key}: no JSON object")
        self._texts[key] = row[0]
        return record
