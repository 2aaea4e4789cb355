"""What docs/shadow.md shows is what the commands print, and what it names exists."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from rich.console import Console

from breakerd.api.cli.views.shadow import shadow_page
from breakerd.breaker.promotion.condition import NAMES, parse_condition

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "shadow.md").read_text()
REPORT = json.loads((PROJECT / "tests" / "data" / "shadow_report.json").read_text())
"""Answer of a service after two bad spells of its dependency, as it came."""


def test_the_output_shown_is_that_of_the_command() -> None:
    screen = io.StringIO()
    Console(file=screen, width=120).print(shadow_page("payments", REPORT))
    printed = [line.rstrip() for line in screen.getvalue().splitlines()]
    (shown,) = re.findall(r"```\n(.*?)```", PAGE.split("## A walk")[1], re.DOTALL)
    assert shown.splitlines() == printed


def test_every_name_of_a_condition_is_described() -> None:
    table = PAGE.split("| name | what | unit |")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == [
        "false_rejections",
        "rejections",
        "calls",
        "trips",
        "active_trips",
        "extra_trips",
        "earlier_by",
        "detected_after",
        "age",
    ]
    assert len(NAMES) == 9
    for condition in re.findall(r'--if "([^"]+)"', PAGE):
        assert parse_condition(condition).ways


def test_the_metrics_exist() -> None:
    code = (PROJECT / "api" / "http" / "metric_families" / "shadow.py").read_text()
    metrics = re.findall(r"`(breaker_shadow_\w+?)(?:_total)?(?:\{\w+\})?`", PAGE)
    assert len(metrics) == 7
    assert all(f'"{metric}"' in code for metric in metrics)
