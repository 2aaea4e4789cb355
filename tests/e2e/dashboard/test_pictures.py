"""Pictures and reports as a real browser shows them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from breakerd.alerts.pictures.layout import draw
from breakerd.alerts.pictures.svg import to_svg
from breakerd.alerts.report.html import to_html
from tests.support.charts import CHARTS
from tests.support.incident_reports import hostile, report

pytestmark = pytest.mark.needs("chromium")

WORDS = """() => [...document.querySelectorAll("svg text")].map(each => {
  const box = each.getBoundingClientRect();
  return [each.textContent, box.left, box.top, box.right, box.bottom];
})"""
INK = 2.0
"""Points of a line's height that no letter uses, above and below."""


@pytest.fixture
def sheet(browser: Browser) -> Iterator[Page]:
    """An empty page; whatever it complains of fails the test, and so does any request."""
    problems: list[str] = []
    page = browser.new_page(viewport={"width": 720, "height": 500})
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url))
    yield page
    page.close()
    assert [each for each in problems if not each.startswith("file:")] == []


@pytest.mark.parametrize("name", CHARTS)
def test_no_words_of_a_picture_overlap_or_are_cut_off(sheet: Page, name: str) -> None:
    drawing = draw(CHARTS[name])
    sheet.set_content(f'<body style="margin:0;background:#111">{to_svg(drawing)}</body>')
    words = sheet.evaluate(WORDS)
    assert len(words) > 10
    for text, left, top, right, bottom in words:
        assert 0 <= left < right <= drawing.width, text
        assert 0 <= top < bottom <= drawing.height, text
    for one, other in itertools.combinations(words, 2):
        apart = (
            one[3] <= other[1] or other[3] <= one[1]
            or one[4] - INK <= other[2] + INK or other[4] - INK <= one[2] + INK
        )  # fmt: skip
        assert apart, (one, other)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_fits_the_screen_and_its_style_is_let_in(
    sheet: Page, tmp_path: Path, width: int
) -> None:
    for made in (report(), hostile()):
        file = tmp_path / "incident.html"
        file.write_text(to_html(made))
        sheet.set_viewport_size({"width": width, "height": 900})
        sheet.goto(file.as_uri())
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width
        assert sheet.evaluate("getComputedStyle(document.body).maxWidth") == "1000px"
        assert sheet.locator("script").count() == 0
