"""Sum what the processes of a host have written. Each step may be done twice, by anybody."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.record.schema import COARSE, FINE
from breakerd.breaker.record.slot_codec import decode_slot, encode_slot
from breakerd.breaker.record.writing.retention import fine_floor

DELAY: Final = 25.0
"""Seconds after its begin at which a slot is summed: each process has written its own by then."""
_BATCH: Final = 500
"""Maximum number of slots in a transaction: others wait for it."""


def sum_members(connection: sqlite3.Connection, now: float) -> int:
    """Sum some slots to which processes have added; return how many, 0 if there are none.

    A sum is made of all that the processes have written for the slot, in place of an earlier sum.
    So whoever is killed, nothing is counted twice.

    Args:
        connection: the file, in a transaction.
        now: seconds since the epoch. Slots that are ahead of it by more than a minute are summed
            as well: the clock was set back.
    """
    found = connection.execute(
        "SELECT DISTINCT breaker, start FROM members WHERE NOT summed "
        "AND (start <= ? OR start > ?) ORDER BY breaker, start LIMIT ?",
        (now - DELAY, now + COARSE, _BATCH),
    ).fetchall()
    floor = fine_floor(connection)
    for breaker, of_breaker in groupby(found, key=lambda row: row[0]):
        starts = [start for _, start in of_breaker]
        _sum_fine(connection, breaker, [start for start in starts if start >= floor])
        minutes = sorted({start - start % COARSE for start in starts})
        _sum_minutes(connection, breaker, [minute for minute in minutes if minute >= floor])
        connection.executemany(
            "UPDATE members SET summed = 1 WHERE breaker = ? AND start = ?",
            [(breaker, start) for start in starts],
        )
    return len(found)


def _sum_fine(connection: sqlite3.Connection, breaker: int, starts: Iterable[int]) -> None:
    for start in starts:
        query = "SELECT start, data FROM members WHERE breaker = ? AND start = ?"
        rows = connection.execute(query, (breaker, start)).fetchall()
        _put(connection, breaker, FINE, _decoded(rows))


def _sum_minutes(connection: sqlite3.Connection, breaker: int, minutes: Iterable[int]) -> None:
    query = (
        "SELECT start, data FROM slots WHERE breaker = ? AND width = ? AND start BETWEEN ? AND ?"
    )
    for minute in minutes:
        values = (breaker, FINE, minute, minute + COARSE - FINE)
        _put(connection, breaker, COARSE, _decoded(connection.execute(query, values).fetchall()))


def _put(
    connection: sqlite3.Connection, breaker: int, width: int, slots: Iterable[HistorySlot]
) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?)",
        [
            (breaker, width, int(slot.start), encode_slot(slot))
            for slot in merge_slots(slots, width=width)
        ],
    )


def _decoded(rows: Iterable[tuple[int, str]]) -> Iterator[HistorySlot]:
    for start, data in rows:
        try:
            yield decode_slot(start, FINE, data)
        except ValueError:  # another program has written there
            continue
