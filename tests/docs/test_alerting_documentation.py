"""Each promise of docs/alerting.md is held by a test that exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from breakerd import OpsGenieSettings
from breakerd.breaker.config import validate

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "alerting.md").read_text()


def test_the_tests_named_exist() -> None:
    tests = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    promised = re.findall(r"`((?:test_|Test)\w+)`", PAGE)
    assert len(promised) > 20
    assert [name for name in promised if not re.search(rf"\b{name}\b(?=\(| =)", tests)] == []


def test_the_example_is_a_valid_file() -> None:
    example = PAGE.split("```toml\n")[1].split("```")[0]
    validate(OpsGenieSettings, tomllib.loads(example)["opsgenie"])
