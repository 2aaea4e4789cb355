"""Layout of a chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from breakerd.alerts.pictures import colours
from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Words
from breakerd.alerts.pictures.layout import draw
from tests.support.charts import BEGIN, CHARTS, MARKS, chart, incident, point


def texts(drawing: Drawing) -> list[str]:
    return [each.text for each in drawing.shapes if isinstance(each, Words)]


def paths(drawing: Drawing, colour: str) -> list[Path]:
    """Lines of that colour, without the sample in the legend."""
    found = [each for each in drawing.shapes if isinstance(each, Path) and each.colour == colour]
    return [each for each in found if each.points[0][1] != 50.0]


def boxes(drawing: Drawing, colour: str) -> list[Box]:
    return [each for each in drawing.shapes if isinstance(each, Box) and each.fill == colour]


@pytest.mark.parametrize("name", CHARTS)
def test_all_lies_inside(name: str) -> None:
    drawing = draw(CHARTS[name])
    for shape in drawing.shapes:
        places = shape.points if isinstance(shape, Path) else [(shape.x, shape.y)]
        for x, y in places:
            assert 0 <= x <= drawing.width
            assert 0 <= y <= drawing.height


def test_axes_have_units_and_times_in_utc() -> None:
    shown = texts(draw(CHARTS["usual"]))
    assert shown[:2] == ["payments", "1 Dec 2026 10:00:00 to 10:15:00 UTC, a point is 10 s"]
    assert {"UTC", "10:00", "10:02", "10:14", "1.5 s", "500 ms", "200/s"} <= set(shown)


def test_the_legend_names_only_what_there_is() -> None:
    every = [
        "p95",
        "median",
        "threshold 600 ms",
        "normal p95 190 ms",
        "calls",
        "failed",
        "rejected",
    ]
    assert texts(draw(CHARTS["usual"]))[2:9] == every
    bare = chart(point(1, threshold_ms=None, normal_ms=None))
    assert texts(draw(bare))[2:5] == ["p95", "median", "calls"]
    assert "median" not in texts(draw(replace(bare, percentile=0.5)))


def test_states_are_a_band_and_named_where_there_is_room() -> None:
    drawing = draw(CHARTS["usual"])
    (opened,) = [box for box in boxes(drawing, colours.STATES["OPEN"]) if box.height == 13]
    (closed,) = boxes(drawing, colours.STATES["CLOSED"])
    assert opened.width / closed.width == pytest.approx(170 / 630)
    assert {"open", "closed", "half open"} <= set(texts(drawing))
    assert "closed" not in texts(draw(CHARTS["one point"]))


def test_calls_are_stacked() -> None:
    drawing = draw(chart(point(5, calls=100, failures=50, rejected=100)))
    passed, failed, rejected = (
        next(box for box in boxes(drawing, each) if box.width < 10)
        for each in (colours.PASSED, colours.FAILED, colours.REJECTED)
    )
    assert passed.height == failed.height == rejected.height / 2
    assert passed.y == pytest.approx(failed.y + failed.height)
    assert failed.y == pytest.approx(rejected.y + rejected.height)


def test_gaps_break_the_line_and_a_lone_slot_is_a_dot() -> None:
    drawing = draw(chart(*(point(each) for each in (0, 1, 5, 9, 10, 11))))
    assert [len(each.points) for each in paths(drawing, colours.HIGH)] == [2, 3]
    assert len([each for each in drawing.shapes if isinstance(each, Dot)]) == 2


def test_a_threshold_is_level_and_steps_where_it_was_changed() -> None:
    slots = [point(each, threshold_ms=600.0 if each < 45 else 300.0) for each in range(90)]
    before, after = paths(draw(chart(*slots)), colours.THRESHOLD)
    assert before.points[0][1] == before.points[1][1] < after.points[0][1]
    assert before.points[1][0] == after.points[0][0]


def test_a_huge_spike_leaves_the_rest_readable() -> None:
    drawing = draw(CHARTS["a spike of 1,000 times"])
    assert "log scale" in texts(drawing)
    (threshold,) = paths(drawing, colours.THRESHOLD)
    calm = paths(drawing, colours.HIGH)[0].points[0][1]
    assert calm - threshold.points[0][1] > 10


def test_moments_close_together_are_named_one_above_the_other() -> None:
    drawing = draw(CHARTS["usual"])
    named = {each.text: each.y for each in drawing.shapes if isinstance(each, Words)}
    assert named["opened 10:10:30"] > named["paged P2"] > named["acknowledged"]
    assert named["well again"] == named["opened 10:10:30"]


def test_without_calls_it_says_so() -> None:
    assert "no calls are recorded for this time" in texts(draw(CHARTS["empty"]))
    rejected = chart(point(3, None, calls=0, rejected=5))
    assert "no call ended in this time" in texts(draw(rejected))
    assert "No calls are recorded" in draw(CHARTS["empty"]).description


def test_a_chart_over_midnight_names_both_days_and_the_processes() -> None:
    over = replace(CHARTS["usual"], end=BEGIN + 86_400, members=3)
    assert texts(draw(over))[1] == (
        "1 Dec 2026 10:00:00 to 2 Dec 2026 10:00:00 UTC, a point is 10 s, 3 processes"
    )


def test_many_entries_take_two_lines() -> None:
    wide = [point(1, threshold_ms=123_456.7, normal_ms=123_456.7, failures=1, rejected=1)]
    one, two = draw(chart(*incident())), draw(chart(*wide, marks=MARKS))
    assert two.height > one.height
