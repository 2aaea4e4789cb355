"""SVG of a drawing."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from breakerd.alerts.pictures.drawing import Box, Dot, Drawing, Path, Words
from breakerd.alerts.pictures.layout import draw
from breakerd.alerts.pictures.svg import to_svg
from tests.support.charts import CHARTS

HOSTILE = "</text><script>alert(1)</script>\"'&\x1b[31m\ud800\uffff\u202e"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_well_formed_and_needs_nothing_from_elsewhere(name: str) -> None:
    written = to_svg(draw(CHARTS[name]))
    root = ET.fromstring(written)
    assert root.tag == f"{SVG}svg"
    assert "href" not in written
    assert "style" not in written
    assert written.count("http") == 1  # the name space


def test_who_cannot_see_it_gets_title_and_description() -> None:
    root = ET.fromstring(to_svg(draw(CHARTS["usual"]), key="chart-1"))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "chart-1-title chart-1-desc"
    assert (title.get("id"), title.text) == ("chart-1-title", "payments")
    assert description.text == (
        "1 Dec 2026 10:00:00 to 10:15:00 UTC, a point is 10 s. p95 at most 1.1 s. Threshold 600 ms."
        " 81,600 calls, 2,400 failed, 23,000 rejected. States: CLOSED, OPEN, HALF_OPEN."
    )


def test_texts_of_others_are_escaped() -> None:
    shapes = (Words(1, 2, HOSTILE), Box(0, 0, 5, 5, "#ffffff"), Dot(1, 1, 2, "#000000"))
    root = ET.fromstring(to_svg(Drawing(10, 10, HOSTILE, HOSTILE, shapes)))
    texts = [each.text or "" for each in root.iter() if each.text and each.text.strip()]
    assert len(texts) == 3
    assert all(each.startswith("</text><script>alert(1)</script>\"'&") for each in texts)
    assert not list(root.iter(f"{SVG}script"))
    assert all("\x1b" not in each and "\u202e" not in each for each in texts)


def test_lines_may_be_dashed_and_words_bold_and_aligned() -> None:
    shapes = (
        Path(((0, 0), (3, 4.5)), "#123456", 2, 5),
        Words(1, 2, "x", 9, "end", "#654321", bold=True),
    )
    root = ET.fromstring(to_svg(Drawing(10, 10, "t", "d", shapes)))
    line, words = root.find(f".//{SVG}polyline"), root.find(f".//{SVG}text")
    assert line is not None
    assert words is not None
    assert line.attrib == {
        "points": "0,0 3,4.5",
        "fill": "none",
        "stroke": "#123456",
        "stroke-width": "2",
        "stroke-linejoin": "round",
        "stroke-dasharray": "5",
    }
    assert words.attrib == {
        "x": "1",
        "y": "2",
        "font-size": "9",
        "fill": "#654321",
        "text-anchor": "end",
        "font-weight": "bold",
    }
