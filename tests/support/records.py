"""Records on disk, as processes write them, of slots that a test makes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.retention import Limits
from breakerd.breaker.record.writing.table import Portion, RecordTable

MEMBER = Member("key", "host", "host:1")


def write_record(file: Path, breaker: str, slots: Iterable[HistorySlot], now: float) -> None:
    """Write slots of ten seconds, and sum them as the leader of a host does at that time."""
    table = RecordTable(file)
    table.open()
    try:
        assert table.write(
            MEMBER, Portion([OwnSlot(breaker, n, slot) for n, slot in enumerate(slots)]), now
        )
        assert table.lead(MEMBER, Limits(7 * 86_400.0, 86_400.0, 512_000_000), now, pruning=False)
    finally:
        table.close()
