"""The lists of the oldest and the newest dependencies, which scripts/test-bounds installs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[2]
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = sorted(
    {
        line
        for group in (DECLARED["dependencies"], *DECLARED["optional-dependencies"].values())
        for line in group
        if not line.startswith("breakerd[")
    }
)


def versions(end: str) -> dict[str, Version]:
    lines = (PROJECT / f"scripts/bounds/{end}.txt").read_text().splitlines()
    pins = (line.partition(" ;")[0].split("==") for line in lines)
    return {name: Version(version) for name, version in pins}


@pytest.mark.parametrize("line", DEPENDENCIES)
def test_the_oldest_that_is_tested_is_the_oldest_that_is_allowed(line: str) -> None:
    dependency = Requirement(line)
    (bound,) = [each.version for each in dependency.specifier if each.operator == ">="]
    assert versions("lowest")[dependency.name] == Version(bound)


@pytest.mark.parametrize("line", DEPENDENCIES)
def test_the_newest_that_is_tested_is_no_older_than_the_locked_one(line: str) -> None:
    dependency = Requirement(line)
    packages = tomllib.loads((PROJECT / "uv.lock").read_text())["package"]
    (locked,) = [each["version"] for each in packages if each["name"] == dependency.name]
    newest = versions("newest")[dependency.name]
    assert newest >= Version(locked), "run scripts/test-bounds --resolve"
    assert newest in dependency.specifier


def test_ci_runs_both_ends() -> None:
    commands = (PROJECT / ".ci/run").read_text().splitlines()
    assert "scripts/test-bounds" in commands


@pytest.mark.parametrize("line", DEPENDENCIES)
def test_the_documentation_names_the_bound(line: str) -> None:
    dependency = Requirement(line)
    (bound,) = [each.version for each in dependency.specifier if each.operator == ">="]
    table = (PROJECT / "docs/supported-versions.md").read_text()
    assert f"\n| {dependency.name} | {bound} |" in table
