"""Markdown of a report."""

from __future__ import annotations

from breakerd.alerts.report.markdown import to_markdown
from tests.support.incident_reports import hostile, report


def test_all_of_the_report_is_in_it() -> None:
    text = to_markdown(report())
    for wanted in (
        "# P2 payments: p95 latency 900 ms (limit 600 ms)\n",
        "Incident 0123abcd4567, over; its breakers were in trouble for 5 min.\n",
        "| noticed | 30 s | 2026-12-01 10:00:00 UTC |",
        "\n## payments\n\nWhat tripped:\n\n- 10:00:00 UTC: p95 latency 900 ms (limit 600 ms)\n",
        "- 2,940 calls rejected: open 2,940.\n",
        "| 2026-12-01 10:01:40 UTC | operator | reset by ada (web-1:17) |\n",
        "| opsgenie | P3 2026-12-01 10:00:20 UTC, P2 2026-12-01 10:01:02 UTC | closed, ackn",
        "```\nWhat: payments OPEN.\nImpact: all calls are rejected.\n```\n",
    ):
        assert wanted in text, wanted


def test_hostile_texts_are_neither_markup_nor_html() -> None:
    text = to_markdown(hostile())
    outside = text[: text.index("## Text of the alert")]
    assert "\\<script\\>" in outside
    assert "<script" not in outside.replace("\\<script", "")
    assert "[a](" not in outside.replace("\\[a\\](", "")
    assert "\x1b" not in text
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} <= {4, 5}


def test_a_text_with_a_fence_stays_in_its_fence() -> None:
    content = report().alert
    made = to_markdown(report(content=incident_content("````\n# no heading")))
    assert content not in made
    assert made.endswith("`````\n````\n# no heading\n`````\n")


def incident_content(description: str) -> object:
    from breakerd.alerts.model.content import AlertContent

    return AlertContent("payments OPEN", description, "payments", "breakerd")
