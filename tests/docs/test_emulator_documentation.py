"""Statements of docs/emulator.md are true."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from breakerd.alerts.emulator import Fault, FaultKind
from breakerd.alerts.emulator.api import validation as limits
from breakerd.alerts.emulator.state import alerts as stored

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def test_its_example_runs_as_printed() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/emulator.md", "exec"), {})


def test_it_lists_every_fault_and_every_option() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows == set(FaultKind) | {field.name for field in fields(Fault)} - {"kind"}


def test_it_tells_the_limits_that_hold() -> None:
    text = re.sub(r"\s+", " ", PAGE)
    assert f"message {limits.MESSAGE} characters" in text
    assert f"alias and entity {limits.ALIAS}" in text
    assert f"description {limits.DESCRIPTION:,}, note {limits.NOTE:,}" in text
    assert f"source and user {limits.SOURCE}, {stored.TAGS} tags of {limits.TAG}" in text
    assert f"{limits.ACTIONS} actions of {limits.ACTION}, details {stored.DETAILS:,} in all" in text
    assert f"{limits.RESPONDERS} responders" in text
