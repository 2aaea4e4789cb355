"""Delete what is older than the record is kept, and what is too much."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.record.schema import COARSE, FINE, FLOOR

MEMBERS: Final = 3600.0
"""Seconds for which the slots of each process are kept."""
_LATE: Final = 600.0
"""Further seconds, so that what is written as late as possible is summed with the others."""
_MB: Final = 1_000_000
_FULL: Final = 0.9
"""Share of the maximum size at which something is deleted. The log of SQLite comes on top."""
_SHARE: Final = 0.1
"""Share of the time of all slots of a width that is deleted at once."""
_EVENTS: Final = 1000
"""Number of events that are deleted at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept.

    Attributes:
        coarse: seconds for which slots of a minute and events are kept.
        fine: seconds for which slots of ten seconds are kept.
        max_bytes: maximum size of the file.
    """

    coarse: float
    fine: float
    max_bytes: int


def fine_floor(connection: sqlite3.Connection) -> float:
    """Return the time before which slots of ten seconds were deleted; 0 if none were."""
    query = "SELECT value FROM metadata WHERE name = ?"
    found = connection.execute(query, (FLOOR,)).fetchone()
    return float(found[0]) if found else 0.0


def prune(connection: sqlite3.Connection, limits: Limits, now: float) -> bool:
    """Delete what is older than the limits.

    Args:
        connection: the file, in a transaction.
        limits: how much is kept.
        now: seconds since the epoch.
    """
    oldest = now - now % COARSE
    _delete_fine(connection, oldest - limits.fine)
    _delete_members(connection, oldest - MEMBERS - _LATE)
    _delete_slots(connection, COARSE, oldest - limits.coarse)
    connection.execute("DELETE FROM events WHERE time < ?", (now - limits.coarse,))
    connection.execute(
        "DELETE FROM processes WHERE seen < ? "
        "AND NOT EXISTS (SELECT 1 FROM members WHERE process = processes.id)",
        (now - MEMBERS,),
    )
    return True


def shrink(connection: sqlite3.Connection, limits: Limits) -> bool:
    """Delete the finest and oldest if the file is too large; return True if something was deleted.

    Args:
        connection: the file, in a transaction.
        limits: how much is kept.
    """
    if _used_bytes(connection) <= _FULL * limits.max_bytes:
        return False
    return (
        _shrink_slots(connection, FINE)
        or _shrink_slots(connection, COARSE)
        or _shrink_events(connection)
    )


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _shrink_slots(connection: sqlite3.Connection, width: int) -> bool:
    """Delete the oldest tenth of the time of all slots of that width; False if there are none."""
    first, last = None, None
    for (breaker,) in _breakers(connection):
        query = "SELECT min(start), max(start) FROM slots WHERE breaker = ? AND width = ?"
        low, high = connection.execute(query, (breaker, width)).fetchone()
        if low is not None:
            first = low if first is None else min(first, low)
            last = high if last is None else max(last, high)
    if first is None or last is None:
        return False
    end = first + (last - first) * _SHARE
    before = end - end % COARSE + COARSE
    if width == FINE:
        _delete_fine(connection, before)
        _delete_members(connection, before)
    else:
        _delete_slots(connection, width, before)
    return True


def _shrink_events(connection: sqlite3.Connection) -> bool:
    query = "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY time LIMIT ?)"
    return connection.execute(query, (_EVENTS,)).rowcount > 0


def _delete_fine(connection: sqlite3.Connection, before: float) -> None:
    """Delete slots of ten seconds, and let nobody write such old ones any more."""
    if before > fine_floor(connection):
        connection.execute("INSERT OR REPLACE INTO metadata VALUES (?, ?)", (FLOOR, before))
    _delete_slots(connection, FINE, before)


def _delete_slots(connection: sqlite3.Connection, width: int, before: float) -> None:
    for row in _breakers(connection):
        connection.execute(
            "DELETE FROM slots WHERE breaker = ? AND width = ? AND start < ?",
            (*row, width, before),
        )


def _delete_members(connection: sqlite3.Connection, before: float) -> None:
    for row in _breakers(connection):
        connection.execute("DELETE FROM members WHERE breaker = ? AND start < ?", (*row, before))


def _breakers(connection: sqlite3.Connection) -> list[tuple[int]]:
    return connection.execute("SELECT id FROM breakers").fetchall()
