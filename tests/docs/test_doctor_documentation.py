"""Examples of docs/doctor.md are true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from breakerd import OpsGenieSettings
from breakerd.alerts.settings.receivers import JsmOpsSettings

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "doctor.md").read_text()


def test_the_example_is_a_valid_file() -> None:
    example = tomllib.loads(PAGE.split("```toml\n")[1].split("```")[0])
    named = OpsGenieSettings.model_validate(example["opsgenie"]).heartbeat
    site = example["alerts"]["receivers"]["jsm_ops"]["main"]
    assert JsmOpsSettings.model_validate(site).heartbeat == named


def test_the_metrics_exist() -> None:
    code = (PROJECT / "api" / "http" / "metrics.py").read_text()
    metrics = re.findall(r"`(breakerd_\w+)\{receiver\}`", PAGE)
    assert len(metrics) == 3
    assert all(f'"{metric}"' in code for metric in metrics)


def test_the_checks_shown_are_made() -> None:
    shown = re.findall(r"^[✓✗–] ([a-z ]+?)  +", PAGE, re.MULTILINE)  # noqa: RUF001 - as printed
    folders = (PROJECT / "alerts" / "doctor", PROJECT / "api" / "cli" / "fleet_checks")
    code = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    made = {
        *re.findall(r'(?:ok|fail|warning|unknown|finding)\(\s*"([a-z ]+)"', code),
        "settings",
        "access",
        "file",
        "record",
        "record disk",
    }
    assert len(shown) > 8
    assert {*shown} - {"test opsgenie"} <= made | {"clock"}
