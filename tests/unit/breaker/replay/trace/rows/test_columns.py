from __future__ import annotations

import pytest

from breakerd.breaker.replay.trace.hints import Column, Hints, TimeIs, Unit, parse_columns
from breakerd.breaker.replay.trace.rows.columns import find_columns
from breakerd.breaker.replay.trace.units import UnitSource
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome


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
    assert columns.read_outcome("503") is CallOutcome.ERROR
    assert columns.memory == Column("memory_percent", 0.01)
    assert columns.notes == []
    assert columns.names == (
        "start from 'Start', duration from 'duration_ms', memory from 'memory_percent', "
        "outcome from 'Status'"
    )


def test_what_is_missing_or_assumed_is_noted() -> None:
    columns = find_columns(["start", "latency"])
    assert columns is not None
    assert columns.unit_source is UnitSource.ASSUMED
    (outcome,) = columns.notes
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


def test_a_name_with_its_unit_wins() -> None:
    columns = find_columns(["timestamp", "elapsed_ms", "Latency"])
    assert columns is not None
    assert columns.duration == Column("elapsed_ms", 0.001)


def test_success_says_more_than_a_code() -> None:
    columns = find_columns(["timestamp", "elapsed", "label", "responseCode", "success"])
    assert columns is not None
    assert (columns.outcome, columns.tool) == ("success", "JMeter")


@pytest.mark.parametrize("mark", ["level", "msg", "event", "logger", "severity", "message"])
def test_the_time_of_a_log_record_is_the_end(mark: str) -> None:
    columns = find_columns(["timestamp", "duration_s", mark])
    assert columns is not None
    assert (columns.start, columns.end) == (None, Column("timestamp"))
    assert not columns.time_assumed


def test_the_time_of_anything_else_is_the_start_and_that_is_noted() -> None:
    names = ["ts", "duration_s", "ok"]
    columns = find_columns(names)
    assert columns is not None
    assert columns.start == Column("ts")
    assert columns.notes == [
        "'ts' is taken for the start of calls; --time-is end, if it is the time at which they ended"
    ]
    for time_is, start, end in (
        (TimeIs.START, Column("ts"), None),
        (TimeIs.END, None, Column("ts")),
    ):
        stated = find_columns(names, Hints(time_is=time_is))
        assert stated is not None
        assert (stated.start, stated.end, stated.notes) == (start, end, [])
    logged = find_columns([*names, "level"], Hints(time_is=TimeIs.START))
    assert logged is not None
    assert (logged.start, logged.end) == (Column("ts"), None)


def test_an_at_sign_marks_a_log_record() -> None:
    columns = find_columns(["@timestamp", "request_time"])
    assert columns is not None
    assert columns.end == Column("@timestamp")


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-6, 1e-9])
def test_the_unit_follows_from_start_and_end(unit: float) -> None:
    rows = [{"start": n, "end": n + 0.25 * n, "took": 0.25 * n / unit} for n in range(1, 9)]
    columns = find_columns(["start", "end", "took"], rows=rows)
    assert columns is not None
    assert columns.duration == Column("took", unit)
    assert columns.unit_source is UnitSource.NAMED


def test_the_unit_of_nginx_variables_follows_from_three_decimals() -> None:
    for value, source in (("0.080", UnitSource.NAMED), ("80", UnitSource.ASSUMED)):
        rows = [{"msec": 1, "request_time": value}] * 3
        columns = find_columns(["msec", "request_time"], rows=rows)
        assert columns is not None
        assert columns.unit_source is source


def test_values_may_name_their_unit() -> None:
    columns = find_columns(["start", "took"], rows=[{"start": 1, "took": "1m2.5s"}])
    assert columns is not None
    assert columns.unit_source is UnitSource.NAMED


def test_what_the_user_states() -> None:
    hints = Hints(
        Unit.US, parse_columns("start=begun:ms, duration=cost:ns,outcome=code"), TimeIs.START
    )
    columns = find_columns(["begun", "cost", "code", "start", "duration"], hints)
    assert columns is not None
    assert columns.start == Column("begun", 0.001)
    assert columns.duration == Column("cost", 1e-6)  # --unit wins
    assert columns.outcome == "code"
    assert columns.unit_source is UnitSource.STATED
    named = find_columns(
        ["begun", "cost"], Hints(columns=parse_columns("end=begun,duration=cost:ms"))
    )
    assert named is not None
    assert (named.start, named.end) == (None, Column("begun"))
    assert (named.duration, named.unit_source) == (Column("cost", 0.001), UnitSource.NAMED)


def test_a_column_that_is_not_there() -> None:
    hints = Hints(columns=parse_columns("duration=cost:ms"))
    with pytest.raises(ValueError, match="found no column 'cost'; the trace has 'start', 'took'"):
        find_columns(["start", "took"], hints)


@pytest.mark.parametrize("text", ["", "start", "start=", "begin=x", "start=a,start=b", "a,b"])
def test_columns_of_another_form(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: start=NAME, end=NAME, duration=NAME"):
        parse_columns(text)


def test_a_name_with_a_colon() -> None:
    assert parse_columns("duration=a:b") == {"duration": Column("a:b")}
    assert parse_columns("duration=a:b:ms") == {"duration": Column("a:b", 0.001)}
