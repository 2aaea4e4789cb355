from __future__ import annotations

import pytest

from breakerd.breaker.replay.trace.columns import Column, find_columns


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("latency_ms", 0.001),
        ("Latency (ms)", 0.001),
        ("durationMs", 0.001),
        ("elapsed_seconds", 1.0),
        ("took", None),
        ("response_time_us", 1e-6),
    ],
)
def test_durations_with_their_unit(name: str, unit: float | None) -> None:
    columns = find_columns(["time", name])
    assert columns is not None
    assert columns.duration == Column(name, unit)


def test_all_that_may_be_there() -> None:
    columns = find_columns(["id", "Start", "duration_ms", "Status", "memory_percent"])
    assert columns is not None
    assert columns.start == Column("Start", None)
    assert columns.end is None
    assert columns.outcome == "Status"
    assert columns.failed("503")
    assert columns.memory == Column("memory_percent", 0.01)
    assert columns.notes == []
    assert columns.names == (
        "start from 'Start', duration from 'duration_ms', memory from 'memory_percent', "
        "outcome from 'Status'"
    )


def test_what_is_missing_or_assumed_is_noted() -> None:
    columns = find_columns(["start", "latency"])
    assert columns is not None
    unit, outcome = columns.notes
    assert "'latency' names no unit: taken as seconds" in unit
    assert "every call counts as one that did not fail" in outcome


def test_two_of_start_end_and_duration_are_enough() -> None:
    assert find_columns(["start", "end"]) is not None
    assert find_columns(["end", "duration"]) is not None
    assert find_columns(["start", "status"]) is None
    assert find_columns(["duration", "status"]) is None


def test_an_error_beside_a_status_does_not_count() -> None:
    columns = find_columns(["start", "latency_ms", "error", "status"])
    assert columns is not None
    assert columns.outcome == "status"


def test_envoys_json_means_milliseconds() -> None:
    columns = find_columns(["start_time", "duration", "response_code", "response_flags"])
    assert columns is not None
    assert columns.duration == Column("duration", 0.001)
