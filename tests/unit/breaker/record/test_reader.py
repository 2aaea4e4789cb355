"""The record is read by path, whoever writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.record.writing.member import Member
from breakerd.breaker.record.writing.own_slots import OwnSlot
from breakerd.breaker.record.writing.table import Portion, RecordTable

MEMBER = Member("1", "web-1", "web-1:10")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def table(file: Path) -> Iterator[RecordTable]:
    made = RecordTable(file)
    made.open()
    yield made
    made.close()


def event(time: float, breaker: str | None = "payments", kind: str = "signal") -> RecordEvent:
    return RecordEvent(time=time, breaker=breaker, kind=kind, text="slow", data={"value": 1.5})


def of(*events: RecordEvent) -> Portion:
    return Portion(events=list(enumerate(events)))


def test_missing_file_is_an_empty_record(file: Path) -> None:
    reader = RecordReader(file)
    assert reader.slots("payments", 0, 100) == []
    assert reader.events(0, 100) == []
    assert (reader.breakers(), reader.span("payments"), reader.last_event()) == ([], None, 0)
    assert not file.exists()


def test_file_without_tables_is_an_empty_record(file: Path) -> None:
    file.touch()
    assert RecordReader(file).breakers() == []


def test_file_that_is_none_of_ours_is_an_error(file: Path) -> None:
    file.write_text("no database, but long enough for a header of one " * 30)
    with pytest.raises(RecordError, match=r"history\.db: cannot read the record"):
        RecordReader(file).breakers()


def test_fifo_is_an_error_and_no_wait(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(RecordError, match="not a regular file"):
        RecordReader(file).breakers()


def test_events_are_found_by_time_breaker_and_kind(table: RecordTable, file: Path) -> None:
    events = [event(10), event(20, "search"), event(30, None, "reload"), event(40, kind="act")]
    assert table.write(MEMBER, of(*events), 50)
    reader = RecordReader(file)
    assert [each.time for each in reader.events(0, 100)] == [10, 20, 30, 40]
    assert [each.time for each in reader.events(10, 30)] == [10, 20]
    assert [each.time for each in reader.events(0, 100, breaker="payments")] == [10, 30, 40]
    assert [each.time for each in reader.events(0, 100, kinds=["act", "reload"])] == [30, 40]
    assert [each.time for each in reader.events(0, 100, limit=2)] == [30, 40]
    first = reader.events(0, 100)[0]
    assert (first.id, first.host, first.process) == (1, "web-1", "web-1:10")
    assert first.data == {"value": 1.5}
    assert first.to_dict()["kind"] == "signal"


def test_events_follow_by_their_ids(table: RecordTable, file: Path) -> None:
    # The second was written later, by a process whose event is older.
    assert table.write(MEMBER, of(event(20), event(10)), 50)
    reader = RecordReader(file)
    assert [each.time for each in reader.events_after(0)] == [20, 10]
    assert [each.time for each in reader.events_after(1)] == [10]
    assert reader.events_after(reader.last_event()) == []


def test_events_of_the_emitting_process_are_kept_as_they_are(
    table: RecordTable, file: Path
) -> None:
    foreign = RecordEvent(
        time=1, breaker=None, kind="act", text="reset", host="db-1", process="db-1:7"
    )
    assert table.write(MEMBER, of(foreign), 50)
    (found,) = RecordReader(file).events(0, 10)
    assert (found.host, found.process) == ("db-1", "db-1:7")


def test_breakers_and_spans(table: RecordTable, file: Path) -> None:
    one = HistorySlot(600.0, 10.0, calls=1)
    slots = [OwnSlot("search", 0, one), OwnSlot("a", 0, replace(one, start=0.0))]
    assert table.write(MEMBER, Portion(slots), 700)
    reader = RecordReader(file)
    assert reader.breakers() == ["a", "search"]
    assert reader.span("search") == (600.0, 610.0)
    assert reader.span("other") is None


def test_reader_of_the_open_database_tells_its_failure(table: RecordTable) -> None:
    reader = RecordReader(table.rows)
    assert reader.breakers() == []
    table.close()
    with pytest.raises(RecordError):
        reader.breakers()
