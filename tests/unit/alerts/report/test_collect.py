"""What is collected for a report, and what is said to be missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from breakerd.alerts.incidents.recall import completed
from breakerd.alerts.report.collect import Sources, collect
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError, Rows
from tests.support.incident_reports import CLOSED, NOW, OPENED, event, incident, slot


class Known:
    """What this process recalls."""

    def __init__(self, *slots: HistorySlot) -> None:
        self.slots = slots
        self.asked: list[tuple[str, float, float]] = []

    def __call__(self, breaker: str, start: float, end: float) -> Sequence[HistorySlot]:
        self.asked.append((breaker, start, end))
        return [each for each in self.slots if start <= each.start < end]


def sources(record: RecordReader | None, recall: Known, **values: object) -> Sources:
    return Sources(record, recall, lambda _: 0.5, **values)  # type: ignore[arg-type]


def test_without_a_record_it_is_what_this_process_recalls() -> None:
    recall = Known(slot(-900), slot(5))
    act, later = event(3, "act", "reset by ada", None), event(5000, "act", "later", None)
    found = collect(incident(), sources(None, recall, acts=[act, later]), NOW)
    assert recall.asked == [("payments", OPENED - 900, CLOSED + 900)]
    assert found.slots == {"payments": [slot(-900), slot(5)]}
    assert found.events == [act]
    assert found.percentiles == {"payments": 0.5}
    (missing,) = found.missing
    assert missing.startswith("the record: `[history] enabled` is false")


def test_an_empty_record_is_completed_by_this_process_and_the_audit_log(tmp_path: Path) -> None:
    record = RecordReader(tmp_path / "none.db")
    act = event(3, "act", "reset by ada", None)
    found = collect(incident(), sources(record, Known(slot(-900)), acts=[act]), NOW)
    assert found.slots == {"payments": [slot(-900)]}
    assert found.events == [act]
    assert found.missing == ()


def test_of_a_record_only_what_is_newer_is_added() -> None:
    recall = Known(slot(0), slot(10), slot(20))
    assert completed([slot(0), slot(10)], recall, "payments", (OPENED, NOW)) == [
        slot(0), slot(10), slot(20),
    ]  # fmt: skip


def test_a_record_that_cannot_be_read_is_named() -> None:
    def fail(_query: str, _values: tuple[object, ...]) -> Rows:
        raise RecordError("var/x.db: cannot read the record: disk I/O error")

    found = collect(incident(), sources(RecordReader(fail), Known()), NOW)
    assert found.missing == (
        "calls, changes of state and acts: var/x.db: cannot read the record: disk I/O error",
    )


def test_gaps_are_named(tmp_path: Path) -> None:
    record = RecordReader(tmp_path / "none.db")
    assert collect(incident(), sources(record, Known()), NOW).missing == (
        "calls of payments: none are recorded for this time",
    )
    late = collect(incident(), sources(record, Known(slot(60))), NOW)
    assert late.missing == ("calls of payments before 10:01:00 UTC: none are recorded",)


def test_what_has_not_passed_yet_is_named() -> None:
    recall = Known(slot(-900))
    early = collect(incident(), sources(None, recall), CLOSED + 60).missing
    assert early[0] == "the time after 10:07:00 UTC: it had not passed yet"
    active = collect(incident(closed_at=0.0), sources(None, recall), NOW).missing
    assert active[0] == "its end: it is in progress"
