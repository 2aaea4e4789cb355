"""Files that run elsewhere: the workflows of GitHub, and the hooks of pre-commit."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
HOOKS = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]


@pytest.mark.parametrize("schema", ["github-workflows", "custom.github-workflows-require-timeout"])
def test_workflows_follow_the_schema(schema: str) -> None:
    schema = schema if schema.startswith("custom.") else f"vendor.{schema}"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    command += map(str, WORKFLOWS)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_python_of_the_classifiers_is_tested() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    classifiers = " ".join(project["classifiers"])
    assert load("checks.yml")["jobs"]["checks"]["strategy"]["matrix"]["python"] == re.findall(
        r"Python :: (3\.\d+)", classifiers
    )


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_runs_exists(workflow: Path) -> None:
    steps = [step for job in load(workflow.name)["jobs"].values() for step in job["steps"]]
    commands = "\n".join(step.get("run", "") for step in steps)
    found = re.findall(r"(?<![\w/.$-])(?:\.ci|scripts|tests|config)/[\w./-]+", commands)
    assert all((PROJECT / path).exists() for path in found), found
    assert subprocess.run(["bash", "-n", "-c", commands], check=False).returncode == 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read(workflow: Path) -> None:
    assert load(workflow.name)["permissions"] == {"contents": "read"}


def test_hooks_run_the_tools_of_the_lock_file() -> None:
    assert [hook["id"] for hook in HOOKS] == ["ruff-format", "ruff-check", "mypy"]
    for hook in HOOKS:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")


@pytest.mark.parametrize(
    ("hook", "wrong"),
    [("ruff-format", 'NAMES = ["a",\n"b"]\n'), ("ruff-check", "import os\n")],
)
def test_hooks_find_what_is_wrong(hook: str, wrong: str, tmp_path: Path) -> None:
    entry = next(found["entry"] for found in HOOKS if found["id"] == hook)
    (tmp_path / "pyproject.toml").write_bytes((PROJECT / "pyproject.toml").read_bytes())
    file = tmp_path / "module.py"
    program = [sys.executable, "-m", *Path(entry).name.split(), str(file)]

    def run(text: str) -> bool:
        """True if the file passes as it was written."""
        file.write_text(text)
        code = subprocess.run(program, cwd=tmp_path, capture_output=True, check=False).returncode
        return code == 0 and file.read_text() == text

    assert not run(wrong)
    assert run('"""A module."""\n')


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT / ".github/workflows" / name).read_text())
    return found
