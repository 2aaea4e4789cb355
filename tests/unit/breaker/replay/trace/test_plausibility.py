"""Durations that cannot be meant are refused before anything is replayed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breakerd.breaker.errors import TraceError
from breakerd.breaker.replay import CallRecord, Hints, Trace, Unit, parse_columns
from breakerd.breaker.replay.trace.plausibility import check_durations
from breakerd.breaker.replay.trace.units import UnitSource


def trace_of(folder: Path, duration: str, *values: str, hints: Hints | None = None) -> Trace:
    file = folder / "calls.csv"
    rows = "".join(f"{n},{value}\n" for n, value in enumerate(values))
    file.write_text(f"start,{duration}\n{rows}")
    return Trace(file, hints=hints or Hints())


@pytest.mark.parametrize(
    "values", [("80", "57", "65"), ("25.3", "17.2", "0.4"), ("80000000", "80000001", "80000002")]
)
def test_durations_without_a_unit_that_are_no_seconds(
    tmp_path: Path, values: tuple[str, ...]
) -> None:
    with pytest.raises(TraceError) as raised:
        trace_of(tmp_path, "latency", *values)
    found = ", ".join(values)
    message = str(raised.value)
    assert f"'latency' names no unit, and holds {found} …: as seconds, half of" in message
    assert "--unit s|ms|us|ns" in message
    assert "--columns duration=NAME:ms" in message


def test_a_stated_unit_is_believed(tmp_path: Path) -> None:
    for hints in (Hints(Unit.MS), Hints(columns=parse_columns("duration=latency:ms"))):
        with trace_of(tmp_path, "latency", "80", "57", hints=hints) as trace:
            assert list(trace) == [CallRecord(0, 0.08), CallRecord(1, 0.057)]
            assert not any("unit" in note for note in trace.notes)
    with trace_of(tmp_path, "latency", "80", "57", hints=Hints(Unit.S)) as trace:
        assert list(trace) == [CallRecord(0, 80), CallRecord(1, 57)]


def test_a_named_unit_that_cannot_be_meant(tmp_path: Path) -> None:
    problem = "'latency_ms' is read as milliseconds, and holds 80000000 …: .* 22.2 hours or more"
    with pytest.raises(TraceError, match=problem):
        trace_of(tmp_path, "latency_ms", "80000000")
    with trace_of(tmp_path, "latency_ms", "80000", "90000") as trace:
        assert len(list(trace)) == 2


def test_what_is_assumed_is_said_with_what_follows(tmp_path: Path) -> None:
    with trace_of(tmp_path, "latency", "0.08", "0.1", "0.3") as trace:
        (note,) = [note for note in trace.notes if "unit" in note]
    assert re.fullmatch(
        r"'latency' names no unit: taken as seconds, so that half of the first 3 calls "
        r"take 0\.1 s or less; --unit ms\|us\|ns, if that is not so",
        note,
    )


def test_units_of_which_nothing_is_to_be_said() -> None:
    calls = [CallRecord(0, 5000)]
    assert check_durations([], "x", 1.0, UnitSource.ASSUMED) is None
    assert check_durations(calls, "x", 1.0, UnitSource.STATED) is None
    assert check_durations([CallRecord(0, 1)], "x", 1.0, UnitSource.NAMED) is None
    with pytest.raises(ValueError, match=r"would take 2\.03 hours or more"):
        check_durations([CallRecord(0, 7300)], "x", 1.0, UnitSource.NAMED)


def test_a_single_call_of_more_than_a_day_is_broken(tmp_path: Path) -> None:
    values = ["0.1"] * 40
    values[30] = "86401"
    with trace_of(tmp_path, "latency", *values) as trace:
        assert len(list(trace)) == 39
        assert str(trace.broken[0]).startswith("line 32: found a duration of 86401 s; a call takes")
