"""HTML page of a report."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from breakerd.alerts.model.incident import Phase
from breakerd.alerts.report.html import POLICY, to_html
from breakerd.alerts.report.report import IncidentReport
from tests.support.incident_reports import HOSTILE, hostile, report


class Page(HTMLParser):
    """Elements, attributes and texts of a page; the elements must be balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(of: IncidentReport) -> str:
    """The text of the page, as people read it."""
    return re.sub(r"\s+", " ", " ".join(Page(to_html(of)).texts))


def test_all_of_the_report_is_on_the_page() -> None:
    text = read(report())
    for wanted in (
        "P2 payments: p95 latency 900 ms (limit 600 ms)",
        "over; its breakers were in trouble for 5 min",
        "Service shop, Team payments",
        "noticed 30 s 2026-12-01 10:00:00 UTC the first breaker opened or crossed a threshold",
        "10:00:00 UTC: p95 latency 900 ms (limit 600 ms)",
        "2,940 calls rejected: open 2,940.",
        "in the ramp: 15 failed, were slow or were late (25%)",
        "settings in force: latency_threshold: 800 → 600",
        "reset by ada",
        "P3 2026-12-01 10:00:20 UTC, P2 2026-12-01 10:01:02 UTC closed, acknowledged",
        "What: payments OPEN. Impact: all calls are rejected.",
        "Made 2026-12-01 11:00:00 UTC by breakerd",
    ):
        assert wanted in text, wanted
    assert "What this report does not have" not in text


@pytest.mark.parametrize("made", [report(), hostile()])
def test_it_needs_nothing_from_elsewhere_and_runs_nothing(made: IncidentReport) -> None:
    page = Page(to_html(made))
    assert not {"script", "link", "img", "iframe", "a", "form", "object"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "style"} & names
    assert not [name for name in names if name.startswith("on")]


def test_its_policy_allows_its_own_style_sheet_alone() -> None:
    text = to_html(report())
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY
    assert "default-src 'none'" in POLICY
    assert ("http-equiv", "Content-Security-Policy") in Page(text).attributes
    assert "url(" not in style


def test_hostile_texts_are_texts() -> None:
    text = to_html(hostile())
    assert HOSTILE not in text
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert read(hostile()).count("alert('x')") > 20


def test_what_is_missing_is_said_first() -> None:
    text = read(hostile())
    assert text.index("What this report does not have") < text.index("How long it took")


def test_one_in_progress_says_so() -> None:
    active = report(phase=Phase.ACTIVE, closed_at=0.0, resolving_since=0.0, deliveries={})
    assert "in progress; its breakers were in trouble for 1 h" in read(active)
    assert "No receiver was told." in read(active)
    resolving = report(phase=Phase.RESOLVING, closed_at=0.0, drill=True)
    assert "may still come back, a drill" in read(resolving)
