"""Data of a chart."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from breakerd.alerts.pictures.chart import Chart, ChartMark, chart_of
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.states import State

BEGIN = 1_796_119_200.0


def slot(at: float, seconds: float = 0.1, width: float = 1.0, **values: object) -> HistorySlot:
    durations = DurationSketch()
    durations.add(seconds, 10)
    given = HistorySlot(BEGIN + at, width, calls=10, durations=durations, threshold=0.6)
    return replace(given, **values)  # type: ignore[arg-type]


def test_slots_are_joined_to_points() -> None:
    slots = [
        slot(0, failures=2, timed_out=1),
        slot(9, 5.0, state=State.OPEN, rejected={"open": 3, "limit": 1}),
        slot(12, members=4),
    ]
    made = chart_of(slots, "payments", (BEGIN, BEGIN + 900), 10.0, 0.95)
    first, second = made.points
    assert (first.at, first.calls, first.failures, first.rejected) == (BEGIN, 20, 3, 4)
    assert (first.state, first.threshold_ms, first.normal_ms) == ("OPEN", 600.0, None)
    assert first.high_ms is not None
    assert 3500 < first.high_ms < 6000
    assert second.at == BEGIN + 10
    assert (made.width, made.members) == (10.0, 4)


def test_a_slot_wider_than_wanted_makes_all_as_wide() -> None:
    made = chart_of(
        [slot(0, width=60.0), slot(60), slot(75)], "x", (BEGIN, BEGIN + 900), 10.0, 0.95
    )
    assert made.width == 60.0
    assert [each.at - BEGIN for each in made.points] == [0, 60]


def test_what_lies_outside_of_its_time_is_left_out() -> None:
    marks = [ChartMark(BEGIN - 1, "before"), ChartMark(BEGIN + 5, "in it")]
    slots = [slot(-1), slot(0), slot(900)]
    made = chart_of(slots, "x", (BEGIN, BEGIN + 900), 10.0, 0.5, marks)
    assert [each.at for each in made.points] == [BEGIN]
    assert made.marks == (ChartMark(BEGIN + 5, "in it"),)


def test_it_is_read_back_as_it_was_stored() -> None:
    made = chart_of([slot(0)], "x", (BEGIN, BEGIN + 9), 1.0, 0.5, [ChartMark(BEGIN, "m")])
    assert Chart.from_dict(json.loads(json.dumps(asdict(made)))) == made


def test_one_of_an_earlier_version_is_none() -> None:
    earlier = {"title": "latest 2 calls", "latencies_ms": [1, 2], "threshold_ms": None}
    assert Chart.from_dict(earlier) is None
