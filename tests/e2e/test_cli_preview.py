"""`breakerd alerts preview` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import run

CONFIG = """\
[opsgenie]
team = "payments"
[alerts]
stages = [{after = 0, priority = "P3"}, {after = 60, priority = "P1"}]
[alerts.receivers.webhook.ops]
[alerts.receivers.slack.ops]
min_priority = "P1"
[alerts.templates.open]
message = "$breaker is down: $cause"
[api]
public_url = "https://ops.example"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "breakers.toml"
    path.write_text(CONFIG)
    return path


def test_shows_the_alert_and_each_receiver(file: Path) -> None:
    done = run("alerts", "preview", "--config", file, "--breaker", "checkout")
    assert done.code == 0, done.err
    assert done.out.startswith("P3 checkout is down: 45% of calls fail (limit 5%)\n")
    assert "Incident: https://ops.example/#alert=preview" in done.out
    assert "── slack.ops (sent nothing: P3 is below P1)" in done.out


def test_a_stage_as_json(file: Path) -> None:
    done = run("alerts", "preview", "--config", file, "--kind", "latency", "--stage", "2", "--json")
    shown = json.loads(done.out)
    assert shown["priority"] == "P1"
    assert shown["message"].startswith("payments slow for 1 min, now P1: p95 latency 912 ms")
    assert shown["note"].startswith("Still slow after 1 min, now P1.")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--stage", "3"), "found stage 3; allowed: 1 is P3, 2 is P1"),
        (("--receiver", "slack.opps"), "found receiver 'slack.opps'; allowed: "),
        (("--kind", "opne"), "'opne'"),
    ],
)
def test_what_is_wrong_is_said(file: Path, arguments: tuple[str, str], problem: str) -> None:
    done = run("alerts", "preview", "--config", file, *arguments)
    assert done.code == 2
    assert problem in done.err


def test_a_wrong_template_is_shown_with_its_line(file: Path) -> None:
    file.write_text(CONFIG.replace("$breaker is", "$braeker is"))
    done = run("alerts", "preview", "--config", file)
    assert done.code == 2
    assert f"{file}:9: alerts.templates.open.message" in done.err
    assert "did you mean $breaker?" in done.err
