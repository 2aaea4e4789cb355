"""A dry run says what the change would have done in the last day, as far as that is recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from breakerd import Registry, State
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.settings import record_file
from tests.support.admin_client import Client
from tests.support.records import write_record

MINUTES = 120


def two_hours(begin: float) -> Iterator[HistorySlot]:
    """Two calls a second; in twenty minutes of them, all take 250 ms."""
    for number in range(MINUTES * 6):
        durations = DurationSketch()
        durations.add(0.25 if 360 <= number < 480 else 0.02, 20)
        yield HistorySlot(
            start=begin + number * 10,
            width=10,
            calls=20,
            failures=0,
            slow=0,
            timed_out=0,
            abandoned=0,
            rejected={},
            rejected_by_priority={},
            durations=durations,
            in_flight=1,
            limit=None,
            state=State.CLOSED,
            memory=None,
            load=None,
            threshold=0.3,
            normal=None,
            members=1,
        )


def test_trips_of_both_settings_are_told(client: Client, registry: Registry) -> None:
    assert registry.config is not None
    end = time.time() // 60 * 60
    file = record_file(registry.config.lasting)
    write_record(file, "default", two_hours(end - MINUTES * 60), end)
    answer = client.patch("/breaker/config?dry_run=1", json={"latency_threshold": 200}).json()
    found = answer["last_day"]["breakers"]["default"]
    assert found["calls"] == pytest.approx(MINUTES * 120, rel=0.05)
    assert found["current"]["trips"] == 0
    assert found["proposed"]["trips"] > 0
    assert answer["last_day"]["problem"] is None


def test_a_record_that_cannot_be_read_is_told(client: Client, registry: Registry) -> None:
    assert registry.config is not None
    file = record_file(registry.config.lasting)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"noise" * 1000)
    answer = client.patch("/breaker/config?dry_run=1", json={"latency_threshold": 200}).json()
    assert answer["last_day"]["breakers"] == {}
    assert "cannot read the record" in answer["last_day"]["problem"]


def test_a_change_of_no_breaker_has_none(client: Client) -> None:
    answer = client.patch("/config?dry_run=1", json={"opsgenie.team": "ops"}).json()
    assert answer["last_day"] is None
