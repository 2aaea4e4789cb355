"""Each promise of docs/alerting.md is held by a test that exists."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path

from breakerd import OpsGenieSettings
from breakerd.breaker.config import validate
from tests.faults.test_bad_answers import BAD

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "alerting.md").read_text()


def test_the_tests_named_exist() -> None:
    tests = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    promised = re.findall(r"`((?:test_|Test)\w+)`", PAGE)
    assert len(promised) > 20
    assert [name for name in promised if not re.search(rf"\b{name}\b(?=\(| =)", tests)] == []


def test_a_fault_test_runs_real_processes_or_is_said_to_be_driven() -> None:
    files = [path.read_text() for path in (PROJECT / "tests" / "faults").glob("test_*.py")]
    rows = re.findall(r"\| (`test_.+) in `tests/faults`(, clock driven)? \|$", PAGE, re.MULTILINE)
    assert len(rows) > 10
    for tests, driven in rows:
        for name in re.findall(r"`(test_\w+)`", tests):
            (text,) = [text for text in files if f"def {name}(" in text]
            in_one_process = "ManualClock" in text or "import World" in text
            assert bool(driven) is in_one_process, name


def test_the_share_of_bad_responses_is_the_one_said() -> None:
    assert "more than a quarter of the responses bad" in PAGE
    assert 1 / 4 < 1 - math.prod(1 - share for share in BAD.values()) < 1 / 3


def test_the_example_is_a_valid_file() -> None:
    example = PAGE.split("```toml\n")[1].split("```")[0]
    validate(OpsGenieSettings, tomllib.loads(example)["opsgenie"])
