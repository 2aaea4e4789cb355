"""Processes write slots, one of them sums, and nothing is counted twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.retention import Limits
from breakerd.breaker.record.writing.table import Portion, RecordTable
from breakerd.breaker.states import State

NOW = 1_800_000_000.0
"""Begin of a minute."""
WEEK = Limits(coarse=7 * 86_400, fine=86_400, max_bytes=512_000_000)
ONE, TWO = Member("1", "web-1", "web-1:10"), Member("2", "web-1", "web-1:20")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "history.db"


@pytest.fixture
def table(file: Path) -> Iterator[RecordTable]:
    made = RecordTable(file)
    made.open()
    yield made
    made.close()


def slot(start: float, calls: int = 5, **values: object) -> HistorySlot:
    durations = DurationSketch()
    durations.add(0.02, calls)
    return HistorySlot(start, 10.0, calls=calls, durations=durations, **values)  # type: ignore[arg-type]


def write(table: RecordTable, member: Member, *slots: HistorySlot, now: float = NOW) -> None:
    assert table.write(member, Portion([own(each) for each in slots]), now)


def own(of: HistorySlot, number: int = 0) -> OwnSlot:
    return OwnSlot("payments", number, of)


def sum_up(table: RecordTable, now: float, limits: Limits = WEEK) -> None:
    assert table.lead(ONE, limits, now, pruning=True)


def calls(file: Path, step: float | None = None) -> dict[float, int]:
    found = RecordReader(file).slots("payments", 0, NOW * 2, step=step)
    return {each.start - NOW: each.calls for each in found}


def test_slots_of_all_processes_are_summed(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5, in_flight=2), slot(NOW + 10, 1))
    write(table, TWO, slot(NOW, 3, in_flight=1, failures=2, state=State.OPEN))
    sum_up(table, NOW + 60)
    first, second = RecordReader(file).slots("payments", NOW, NOW + 60)
    assert (first.calls, first.failures, first.in_flight, first.members) == (8, 2, 3, 2)
    assert (first.state, first.durations.count) == (State.OPEN, 8)
    assert (second.start, second.calls, second.members) == (NOW + 10, 1, 1)
    assert calls(file, 60) == {0: 9}


def test_reader_sums_what_no_leader_has_summed(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5))
    write(table, TWO, slot(NOW, 3))
    assert calls(file) == {0: 8}
    assert calls(file, 60) == {0: 8}


def test_late_slot_is_added_to_a_sum(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5))
    sum_up(table, NOW + 60)
    write(table, TWO, slot(NOW, 3), slot(NOW + 50, 1), now=NOW + 600)
    assert calls(file) == {0: 8, 50: 1}
    assert calls(file, 60) == {0: 9}
    sum_up(table, NOW + 660)
    assert calls(file) == {0: 8, 50: 1}
    assert calls(file, 60) == {0: 9}


def test_slot_that_is_written_again_is_replaced(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5))
    sum_up(table, NOW + 60)
    write(table, ONE, slot(NOW, 6))
    sum_up(table, NOW + 70)
    assert calls(file) == {0: 6}
    assert calls(file, 60) == {0: 6}


def test_slots_of_one_time_are_added_where_the_clock_was_set_back(
    table: RecordTable, file: Path
) -> None:
    for number, one in enumerate((slot(NOW, 5), slot(NOW, 2))):
        assert table.write(ONE, Portion([own(one, number)]), NOW)
        assert table.write(ONE, Portion([own(one, number)]), NOW)  # again: replaced
    assert calls(file) == {0: 7}
    sum_up(table, NOW + 60)
    assert calls(file) == {0: 7}


def test_event_that_is_written_again_is_there_once(table: RecordTable, file: Path) -> None:
    event = RecordEvent(time=NOW, breaker="payments", kind="signal", text="slow")
    for member in (ONE, ONE, TWO):
        assert table.write(member, Portion(events=[(1, event)]), NOW)
    found = RecordReader(file).events(0, NOW * 2)
    assert [each.process for each in found] == ["web-1:10", "web-1:20"]


def test_steps_sum_over_time(table: RecordTable, file: Path) -> None:
    write(table, ONE, *(slot(NOW + 10 * n, n) for n in range(12)))
    sum_up(table, NOW + 200)
    assert calls(file, 30) == {0: 3, 30: 12, 60: 21, 90: 30}
    assert calls(file, 60) == {0: 15, 60: 51}
    assert calls(file, 120) == {0: 66}


def test_member_has_its_own_slots(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5))
    write(table, TWO, slot(NOW, 3))
    sum_up(table, NOW + 60)
    reader = RecordReader(file)
    (found,) = reader.slots("payments", NOW, NOW + 60, member="web-1:20")
    assert (found.calls, found.members) == (3, 1)
    assert reader.members() == ["web-1:10", "web-1:20"]


def test_one_process_leads_until_its_lease_ends(table: RecordTable) -> None:
    assert table.lead(ONE, WEEK, NOW, pruning=False)
    assert not table.lead(TWO, WEEK, NOW + 29, pruning=False)
    assert table.lead(TWO, WEEK, NOW + 31, pruning=False)
    assert not table.lead(ONE, WEEK, NOW + 40, pruning=False)


def test_lease_of_a_time_to_come_is_void_after_the_clock_was_set_back(table: RecordTable) -> None:
    assert table.lead(ONE, WEEK, NOW, pruning=False)
    assert table.lead(TWO, WEEK, NOW - 3600, pruning=False)


def test_what_is_too_old_is_deleted(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5))
    event = RecordEvent(time=NOW, breaker="payments", kind="signal", text="slow")
    assert table.write(ONE, Portion(events=[(1, event)]), NOW)
    sum_up(table, NOW + 86_400 + 120)
    assert (calls(file), calls(file, 10), calls(file, 60)) == ({0: 5}, {}, {0: 5})
    reader = RecordReader(file)
    (kept,) = reader.slots("payments", 0, NOW * 2)
    assert (kept.width, reader.members()) == (60, [])
    assert len(reader.events(0, NOW * 2)) == 1
    sum_up(table, NOW + 7 * 86_400 + 120)
    assert calls(file, 60) == {}
    assert reader.events(0, NOW * 2) == []


def test_slot_older_than_those_of_its_width_is_not_taken(table: RecordTable, file: Path) -> None:
    sum_up(table, NOW + 86_400 + 120)
    write(table, ONE, slot(NOW, 5), now=NOW + 86_400)
    assert calls(file) == {}


def test_finest_and_oldest_go_first(table: RecordTable, file: Path) -> None:
    reasons = {f"reason-{n}": n for n in range(200)}
    write(table, ONE, *(slot(NOW + 10 * n, rejected=reasons) for n in range(1200)))
    now = NOW + 12_000
    sum_up(table, now)
    size = file.stat().st_size
    minutes = len(calls(file, 60))
    sum_up(table, now + 60, Limits(coarse=7 * 86_400, fine=86_400, max_bytes=size // 2))
    fine = calls(file, 10)
    assert min(fine) > 2_000
    assert max(fine) == 11_990
    assert len(calls(file, 60)) == minutes
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert file.stat().st_size < size // 2
    sum_up(table, now + 120, Limits(coarse=7 * 86_400, fine=86_400, max_bytes=size // 10))
    left = calls(file, 60)
    assert 0 < len(left) < minutes
    assert max(left) == 11_940


def test_events_go_last(table: RecordTable, file: Path) -> None:
    events = [
        RecordEvent(time=NOW + n, breaker=None, kind="act", text="x" * 200) for n in range(5000)
    ]
    assert table.write(ONE, Portion(events=list(enumerate(events))), NOW)
    sum_up(table, NOW + 6000, Limits(coarse=7 * 86_400, fine=86_400, max_bytes=1_000_000))
    left = RecordReader(file).events(0, NOW * 2, limit=10_000)
    assert 1000 < len(left) < 4000
    assert left[-1].time == NOW + 4999


def test_damaged_row_costs_only_itself(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW, 5), slot(NOW + 10, 3))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE members SET data = '[1]' WHERE start = ?", (int(NOW),))
    assert calls(file) == {10: 3}
    sum_up(table, NOW + 60)
    assert calls(file) == {10: 3}


def test_file_is_its_users_only(table: RecordTable, file: Path) -> None:
    write(table, ONE, slot(NOW))
    assert file.stat().st_mode & 0o777 == 0o600


def test_failing_file_is_told_and_heals(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.write_text("")
    table = RecordTable(folder / "history.db")
    table.open()
    assert not table.write(ONE, Portion([own(slot(NOW))]), NOW)
    assert str(folder) in table.problem
    folder.unlink()
    write(table, ONE, slot(NOW))
    assert table.problem == ""
    table.close()
