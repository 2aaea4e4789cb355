"""Examples of the README run as they are printed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_of_ten_lines_prints_what_is_said(tmp_path: Path) -> None:
    said = re.search(r"prints `(\w+)` five times, then `([^`]+)`", README)
    assert said is not None
    assert len(BLOCKS[0].splitlines()) == 10
    assert run(BLOCKS[0], tmp_path).splitlines() == [said[1]] * 5 + [said[2]]


def test_the_other_examples_run_too(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    setup = "from breakerd import Breaker\nbreaker = Breaker()\n"
    check = (
        "\nassert breaker.counters().success == 1"
        "\nassert pay(3) == 'paid 3'"
        "\nassert payments.counters().success == 1\n"
    )
    run(setup + "\n".join(BLOCKS[1:]) + check, tmp_path)


@pytest.mark.parametrize("link", re.findall(r"\]\((docs/[^)#]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    assert (PROJECT / link).is_file()
