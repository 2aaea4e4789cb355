"""Store of a hub in its SQLite file."""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from breakerd.breaker.fleet.hub.file.records import SqliteRecords
from breakerd.breaker.fleet.hub.store import (
    TOPICS,
    WRONG_TERM,
    WRONG_VERSION,
    Changes,
    Entry,
    Fence,
    LeaseTerm,
    WriteRefusedError,
    check_entry,
    check_topic,
    next_term,
    version_of,
)

T = TypeVar("T")

_ENTRY: Final = "SELECT key, version, at, value FROM entry WHERE topic = ? "
_PUT: Final = "INSERT OR REPLACE INTO entry (topic, key, version, at, value) VALUES (?, ?, ?, ?, ?)"
_LEASE: Final = "SELECT holder, term, until FROM lease WHERE name = ?"
_PUT_LEASE: Final = "INSERT OR REPLACE INTO lease (name, holder, term, until) VALUES (?, ?, ?, ?)"
_SURPLUS: Final = (
    "DELETE FROM entry WHERE topic = ?1 AND version <= "
    "(SELECT version FROM entry WHERE topic = ?1 ORDER BY version DESC LIMIT 1 OFFSET ?2)"
)


class Execute(Protocol):
    """Runs an operation in a transaction, with the records, the epoch and hub time."""

    def __call__(self, operation: Callable[[SqliteRecords, str, float], T]) -> T:
        """Return its result."""
        ...


class FileStore:
    """Topics and leases in tables of the hub's file; see `SharedStore`. Thread-safe.

    Args:
        execute: runs an operation in a transaction.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def changes(self, topic: str, epoch: str = "", after: int = 0) -> Changes:
        """Return what is new in a topic."""
        check_topic(topic)

        def read(records: SqliteRecords, present: str, now: float) -> Changes:
            known = after if epoch == present else 0
            values = (topic, known, now - TOPICS[topic].age)
            query = _ENTRY + "AND version > ? AND at >= ? ORDER BY version"
            rows = records.connection.execute(query, values).fetchall()
            version = dict(topic_versions(records)).get(topic, 0)
            return Changes(present, version, now, tuple(Entry(*row) for row in rows))

        return self._execute(read)

    def write(
        self,
        topic: str,
        key: str,
        value: str,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> Entry:
        """Write an entry."""
        check_entry(topic, value)

        def put(records: SqliteRecords, _epoch: str, now: float) -> Entry | WriteRefusedError:
            connection = records.connection
            oldest = now - TOPICS[topic].age
            connection.execute("DELETE FROM entry WHERE topic = ? AND at < ?", (topic, oldest))
            found = connection.execute(_ENTRY + "AND key = ?", (topic, key)).fetchone()
            known = Entry(*found) if found else None
            if fence is not None and _lease(records, fence.name)[1] != fence.term:
                return WriteRefusedError(known, WRONG_TERM)
            if expected is not None and expected != version_of(known):
                return WriteRefusedError(known, WRONG_VERSION)
            version = dict(topic_versions(records)).get(topic, 0) + 1
            entry = Entry(key, version, now, value)
            records.note_command()
            connection.execute(_PUT, (topic, *entry))
            connection.execute(
                "INSERT OR REPLACE INTO topic (name, version) VALUES (?, ?)", (topic, entry.version)
            )
            connection.execute(_SURPLUS, (topic, TOPICS[topic].entries))
            return entry

        result = self._execute(put)
        if isinstance(result, WriteRefusedError):
            raise result
        return result

    def take_lease(self, name: str, holder: str, seconds: float) -> LeaseTerm:
        """Take or renew a lease."""

        def take(records: SqliteRecords, _epoch: str, now: float) -> LeaseTerm:
            known, term, until = _lease(records, name)
            if known not in {"", holder} and now < until:
                return LeaseTerm(known, term, until - now)
            term = term if known == holder else next_term(term, now)
            records.connection.execute(_PUT_LEASE, (name, holder, term, now + seconds))
            return LeaseTerm(holder, term, seconds)

        return self._execute(take)

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""

        def end(records: SqliteRecords, _epoch: str, _now: float) -> bool:
            known, term, _ = _lease(records, name)
            if known == holder:
                records.connection.execute(_PUT_LEASE, (name, "", term, 0.0))
            return True

        self._execute(end)


def topic_versions(records: SqliteRecords) -> tuple[tuple[str, int], ...]:
    """Return the topics that were written to, each with its newest version."""
    rows = records.connection.execute("SELECT name, version FROM topic ORDER BY name")
    return tuple((str(name), int(version)) for name, version in rows)


def _lease(records: SqliteRecords, name: str) -> tuple[str, int, float]:
    """Return holder, term and end of a lease."""
    found = records.connection.execute(_LEASE, (name,)).fetchone()
    return (str(found[0]), int(found[1]), float(found[2])) if found else ("", 0, 0.0)
