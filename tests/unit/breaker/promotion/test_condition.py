"""Conditions of a promise: what they say, and what is no condition."""

from __future__ import annotations

import pytest

from breakerd import ConfigError
from breakerd.breaker.promotion.condition import MAX_LENGTH, NAMES, parse_condition
from breakerd.breaker.shadow.figures import ShadowFigures, ShadowTrip

TRIPS = [
    ShadowTrip(1.0, "candidate", "latency", detected_after=2.0),
    ShadowTrip(4.0, "active", "latency", detected_after=5.0, earlier_by=3.0),
]
FIGURES = ShadowFigures(
    calls=10_000,
    rejected_good=5,
    rejected_slow=10,
    rejected_failed=85,
    trips=2,
    active_trips=1,
    latest=TRIPS,
)
DAY = 86_400.0


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("", True),
        ("false_rejections < 0.1%", True),
        ("false_rejections < 0.0005", False),
        ("false_rejections<=0.05 %", True),
        ("rejections == 1%", True),
        ("calls >= 10000", True),
        ("calls > 10000", False),
        ("trips == 2 and active_trips == 1", True),
        ("extra_trips < 1", False),
        ("extra_trips != 1 or calls >= 1", True),
        ("trips > 5 and calls > 1 or age >= 24h", True),
        ("trips > 5 and (calls > 1)", None),
        ("age < 1d", False),
        ("age >= 1440min and age >= 86400s and age >= 1440m", True),
        ("earlier_by >= 3000ms", True),
        ("earlier_by > 3", False),
        ("detected_after < 2.5s", True),
    ],
)
def test_what_is_true(text: str, true: bool | None) -> None:
    if true is None:
        with pytest.raises(ConfigError, match="found '\\(calls > 1\\)'"):
            parse_condition(text)
    else:
        assert parse_condition(text).holds(FIGURES, DAY) is true


@pytest.mark.parametrize("name", [name for name in NAMES if name != "age"])
def test_what_is_unknown_is_not_true(name: str) -> None:
    nothing = ShadowFigures()
    known = NAMES[name].kind == "count"
    assert parse_condition(f"{name} >= 0").holds(nothing, DAY) is known
    assert parse_condition(f"{name} < 0").holds(nothing, DAY) is False


@pytest.mark.parametrize(
    ("text", "found", "allowed"),
    [
        ("nothing < 1", "'nothing'", "one of false_rejections, rejections"),
        ("calls", "'calls'", "NAME < NUMBER"),
        ("calls < x", "'calls < x'", "NAME < NUMBER"),
        ("calls < 1 trips < 2", "'calls < 1 trips'", "a plain number for calls"),
        ("calls < 1 (2)", "'(2)'", "`and`, `or`, or the end"),
        ("calls < 1 and", "nothing", "NAME < NUMBER"),
        ("calls < 5%", "'calls < 5%'", "a plain number for calls"),
        (
            "false_rejections < 1s",
            "'false_rejections < 1s'",
            "a number with % for false_rejections",
        ),
        ("age < 5 weeks", "'age < 5 weeks'", "a number with ms or s or m"),
        ("__import__('os')", "\"__import__('os')\"", "NAME < NUMBER"),
        ("calls < 1" + " " * MAX_LENGTH, "209 characters", "at most 200 characters"),
    ],
)
def test_what_is_no_condition(text: str, found: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_condition(text)
    (problem,) = error.value.problems
    assert problem.key == "condition"
    assert problem.found == found
    assert allowed in problem.allowed


def test_it_tells_the_values_that_it_asks_for() -> None:
    condition = parse_condition("false_rejections < 0.01% and calls > 1 or earlier_by > 9s")
    assert condition.told(FIGURES, DAY) == (
        "false_rejections is 0.05 %, calls is 10,000, earlier_by is 3 s"
    )
    assert parse_condition("rejections < 1").told(ShadowFigures(), 0.0) == "rejections is unknown"
