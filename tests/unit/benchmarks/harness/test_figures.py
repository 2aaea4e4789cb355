from __future__ import annotations

import pytest

from benchmarks.harness.figures import QUICK, Figure, judge, unmeasured
from benchmarks.harness.report import as_markdown, summary, table


def figure(name: str = "x", **values: object) -> Figure:
    return Figure("part", name, **{"value": 10.0, "unit": "ns", **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ratio", "reach", "verdict"),
    [
        (1.3, "<= 1.3", True),
        (1.31, "<= 1.3", False),
        (0.8, ">= 0.8", True),
        (0.79, ">= 0.8", False),
        (1.0, "", None),
    ],
)
def test_a_ratio_is_held_against_its_reach(ratio: float, reach: str, verdict: object) -> None:
    assert judge(figure(ratio=ratio, reach=reach)).met is verdict


def test_without_a_ratio_the_value_is() -> None:
    assert judge(figure(value=50.0, unit="ms", reach="<= 60")).met is True
    assert judge(figure(value=70.0, unit="ms", reach="<= 60")).met is False


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    missing = judge(unmeasured("asgi", "wrk", "wrk is not installed"))
    assert summary([missing]) == {"met": [], "missed": [], "unmeasured": ["wrk"]}
    assert "not measured: wrk is not installed" in table([missing])


def test_a_reach_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="reach is 'under 2'"):
        judge(figure(ratio=1.0, reach="under 2"))


def test_a_figure_survives_the_way_through_json() -> None:
    one = figure(ratio=2.0, details={"minimum": 9.0})
    assert Figure.from_json(one.as_json()) == one


def test_the_page_says_which_are_met_and_which_are_not() -> None:
    figures = [
        judge(figure("good", ratio=1.0, reach="<= 1.3")),
        judge(figure("bad | worse", ratio=2.0, reach="<= 1.3")),
    ]
    page = as_markdown({"CPU": "a fast one"}, QUICK, figures)
    assert "- CPU: a fast one" in page
    assert r"| part | bad \| worse | 10 ns | 2.00 |  | the no-op pair | ≤ 1.3 | **no** |" in page
    assert "Met (1): good." in page
    assert "Not met (1): bad | worse." in page
