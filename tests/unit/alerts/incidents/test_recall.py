"""Recall of the last minutes, by the record of the host and by this process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from breakerd import Registry, Settings
from breakerd.alerts.incidents import recall as module
from breakerd.alerts.incidents.recall import HostRecall, own_history
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError, Rows
from breakerd.breaker.testing import ManualClock, simulate_call

OWN = HistorySlot(100.0, 1.0, calls=3)


def own(_breaker: str, start: float, end: float) -> list[HistorySlot]:
    return [OWN] if start <= OWN.start < end else []


def test_a_process_recalls_its_own_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    clock = ManualClock()
    registry = Registry(Settings(latency_threshold=300), clock=clock)
    for _ in range(3):
        simulate_call(registry.get("payments"), clock, 50)
    clock.advance(5)
    recall = own_history(registry)
    assert sum(each.calls for each in recall("payments", 0.0, 2000.0)) == 3
    assert not recall("payments", 0.0, 500.0)
    assert recall("unknown", 0.0, 2000.0) == ()


def test_without_a_record_or_with_an_empty_one_it_is_this_process(tmp_path: Path) -> None:
    assert HostRecall(own, lambda: None)("payments", 0.0, 200.0) == [OWN]
    empty = RecordReader(tmp_path / "none.db")
    assert HostRecall(own, lambda: empty)("payments", 0.0, 200.0) == [OWN]


def test_a_record_that_fails_is_left_alone_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    asked = []

    def fail(query: str, _values: tuple[object, ...]) -> Rows:
        asked.append(query)
        raise RecordError("var/x.db: cannot read the record")

    recall = HostRecall(own, lambda: RecordReader(fail))
    with caplog.at_level("WARNING"):
        assert recall("payments", 0.0, 200.0) == recall("payments", 0.0, 200.0) == [OWN]
    assert len(asked) == 1
    assert "record not read, calls of this process only" in caplog.text


def test_a_record_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    answer, asked = threading.Event(), []

    def hang(query: str, _values: tuple[object, ...]) -> Rows:
        asked.append(query)
        answer.wait()
        return []

    recall = HostRecall(own, lambda: RecordReader(hang))
    assert recall("payments", 0.0, 200.0) == recall("payments", 0.0, 200.0) == [OWN]
    assert len(asked) == 1
    (thread,) = (each for each in threading.enumerate() if each.name == "breakerd-recall")
    answer.set()
    thread.join()
