"""Reading side of the record: slots and events of a host, whoever wrote them."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.rows import FileRows, Query, Rows
from breakerd.breaker.record.schema import COARSE, FINE, FLOOR
from breakerd.breaker.record.slot_codec import decode_slot

_log = get_logger(__name__)

_EVENT: Final = "SELECT id, time, breaker, kind, text, data, host, process FROM events "


class RecordReader:
    """Read the record of a host. Thread-safe; changes nothing.

    Args:
        source: the file, or what returns the rows of a query. A missing file is an empty record.
    """

    def __init__(self, source: Path | Query) -> None:
        self._rows: Query = FileRows(source) if isinstance(source, Path) else source

    def slots(
        self,
        breaker: str,
        start: float,
        end: float,
        *,
        step: float | None = None,
        member: str | None = None,
    ) -> list[HistorySlot]:
        """Return the slots of a breaker that begin in [start, end), in order; gaps are left out.

        Args:
            breaker: its name.
            start: seconds since the epoch.
            end: seconds since the epoch.
            step: width of the slots in seconds, a multiple of 10; from 60 on of 60. None: 10 where
                all of the time is recorded so finely, else 60.
            member: only calls of this process, as HOST:PID, in the last hour; None: those of all.

        Raises:
            RecordError: the record cannot be read.
        """
        number = self._number(breaker)
        if number is None:
            return []
        width = self._width(number, start, step)
        if member is not None:
            found = self._of_member(number, start, end, member)
        elif width == FINE:
            found = self._fine(number, start, end)
        else:
            found = self._coarse(number, start, end)
        wanted = width if step is None else step
        return found if wanted == FINE else merge_slots(found, width=wanted)

    def events(
        self,
        start: float,
        end: float,
        *,
        breaker: str | None = None,
        kinds: Collection[str] | None = None,
        limit: int = 1000,
    ) -> list[RecordEvent]:
        """Return the latest `limit` events in [start, end), in order of time.

        Args:
            start: seconds since the epoch.
            end: seconds since the epoch.
            breaker: those of this breaker, and those of the process as a whole; None: all.
            kinds: only these; None: all.
            limit: maximum number.

        Raises:
            RecordError: the record cannot be read.
        """
        where, values = _conditions(breaker, kinds)
        query = f"{_EVENT}WHERE time >= ? AND time < ?{where} ORDER BY time DESC, id DESC LIMIT ?"
        return _events(self._rows(query, (start, end, *values, limit)))[::-1]

    def events_after(
        self,
        number: int,
        *,
        since: float = 0.0,
        breaker: str | None = None,
        kinds: Collection[str] | None = None,
        limit: int = 1000,
    ) -> list[RecordEvent]:
        """Return the first `limit` events with an id above `number`, in order of their ids.

        Those at or after `since` in seconds since the epoch. For the other arguments see `events`.

        Raises:
            RecordError: the record cannot be read.
        """
        where, values = _conditions(breaker, kinds)
        query = f"{_EVENT}WHERE id > ? AND time >= ?{where} ORDER BY id LIMIT ?"
        return _events(self._rows(query, (number, since, *values, limit)))

    def last_event(self) -> int:
        """Return the id of the newest event; 0 if there is none.

        Raises:
            RecordError: the record cannot be read.
        """
        return int(next(iter(self._rows("SELECT ifnull(max(id), 0) FROM events", ())), (0,))[0])

    def breakers(self) -> list[str]:
        """Return the names of the breakers that have slots, sorted.

        Raises:
            RecordError: the record cannot be read.
        """
        query = (
            "SELECT name FROM breakers WHERE EXISTS (SELECT 1 FROM slots WHERE breaker = id) "
            "OR EXISTS (SELECT 1 FROM members WHERE breaker = id) ORDER BY name"
        )
        return [str(name) for (name,) in self._rows(query, ())]

    def span(self, breaker: str) -> tuple[float, float] | None:
        """Return begin of the first and end of the last slot of a breaker; None if it has none.

        Raises:
            RecordError: the record cannot be read.
        """
        number = self._number(breaker)
        query = (
            "SELECT min(start), max(start + width) FROM (SELECT start, width FROM slots "
            "WHERE breaker = ?1 UNION ALL SELECT start, ?2 FROM members WHERE breaker = ?1)"
        )
        for first, last in self._rows(query, (number, FINE)):
            return None if first is None else (float(first), float(last))
        return None

    def members(self) -> list[str]:
        """Return the processes that have slots of their own, as HOST:PID, sorted.

        Raises:
            RecordError: the record cannot be read.
        """
        query = "SELECT DISTINCT name FROM processes ORDER BY name"
        return [str(name) for (name,) in self._rows(query, ())]

    def fine_from(self) -> float:
        """Return the time before which slots of ten seconds were deleted; 0 if none were.

        Raises:
            RecordError: the record cannot be read.
        """
        for (value,) in self._rows("SELECT value FROM metadata WHERE name = ?", (FLOOR,)):
            return float(value)
        return 0.0

    def _number(self, breaker: str) -> int | None:
        for (number,) in self._rows("SELECT id FROM breakers WHERE name = ?", (breaker,)):
            return int(number)
        return None

    def _width(self, number: int, start: float, step: float | None) -> int:
        """Return the width of the slots on disk that serve `step`."""
        if step is not None:
            return FINE if step < COARSE or step % COARSE else COARSE
        if start >= (floor := self.fine_from()):
            return FINE
        query = "SELECT min(start) FROM slots WHERE breaker = ? AND width = ?"
        for (first,) in self._rows(query, (number, COARSE)):
            return FINE if first is None or first >= floor else COARSE
        return FINE

    # What is not summed yet is read first: the leader may sum it at any time.

    def _fine(self, number: int, start: float, end: float) -> list[HistorySlot]:
        """Return the sums of all processes, also where the leader has not summed yet."""
        unsummed = self._unsummed(number, start, end)
        found = self._summed(number, FINE, start, end) | unsummed
        return [found[at] for at in sorted(found)]

    def _coarse(self, number: int, start: float, end: float) -> list[HistorySlot]:
        minutes = {at - at % COARSE for at in self._unsummed(number, start, end)}
        found = self._summed(number, COARSE, start, end)
        for minute in minutes:
            fine = self._fine(number, minute, minute + COARSE)
            found |= {int(slot.start): slot for slot in merge_slots(fine, width=COARSE)}
        return [found[at] for at in sorted(found) if start <= at < end]

    def _summed(self, number: int, width: int, start: float, end: float) -> dict[int, HistorySlot]:
        query = (
            "SELECT start, data FROM slots "
            "WHERE breaker = ? AND width = ? AND start >= ? AND start < ?"
        )
        return {
            int(slot.start): slot for slot in self._slots(width, query, number, width, start, end)
        }

    def _unsummed(self, number: int, start: float, end: float) -> dict[int, HistorySlot]:
        """Return the sums of the slots to which a process has added since they were summed."""
        query = (
            "SELECT start, data FROM members WHERE breaker = ?1 AND start IN (SELECT start FROM "
            "members WHERE breaker = ?1 AND NOT summed AND start >= ?2 AND start < ?3)"
        )
        slots = merge_slots(self._slots(FINE, query, number, start, end), width=FINE)
        return {int(slot.start): slot for slot in slots}

    def _of_member(self, number: int, start: float, end: float, member: str) -> list[HistorySlot]:
        query = (
            "SELECT start, data FROM members JOIN processes ON id = process "
            "WHERE breaker = ? AND start >= ? AND start < ? AND name = ? ORDER BY start"
        )
        return merge_slots(self._slots(FINE, query, number, start, end, member), width=FINE)

    def _slots(self, width: int, query: str, *values: object) -> Iterator[HistorySlot]:
        """Yield the slots of a query for start and data; what cannot be read is left out."""
        for start, data in self._rows(query, values):
            try:
                yield decode_slot(float(start), float(width), data)
            except ValueError as error:
                _log.warning("a slot of the record cannot be read", problem=str(error))


def _conditions(
    breaker: str | None, kinds: Collection[str] | None
) -> tuple[str, tuple[object, ...]]:
    """Return further conditions of a query for events, and their values."""
    where = ""
    values: list[object] = []
    if breaker is not None:
        where += " AND (breaker = ? OR breaker IS NULL)"
        values.append(breaker)
    if kinds is not None:
        where += f" AND kind IN ({', '.join('?' * len(kinds))})"
        values += kinds
    return where, tuple(values)


def _events(rows: Rows) -> list[RecordEvent]:
    """Return the events of rows; the data of a damaged one is left out."""
    return [
        RecordEvent(
            id=number, time=time, breaker=breaker, kind=kind, text=text, data=_data(data),
            host=host, process=process,
        )
        for number, time, breaker, kind, text, data, host, process in rows
    ]  # fmt: skip


def _data(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
