"""The marker `needs`: what happens to a test whose program is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

TESTS = """
import pytest

@pytest.mark.needs("no-such-program")
def test_without(): pass

@pytest.mark.needs("sh")
def test_with(): pass
"""


def run_tests(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    file = folder / "test_some.py"
    file.write_text(TESTS)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder),
            *("-p", "tests.conftest", "-p", "no:cacheprovider", file),
        ],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "CI"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_skipped_counted_and_listed(tmp_path: Path) -> None:
    done = run_tests(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "needs no-such-program, which is not installed" in done.stdout


def test_it_fails_under_ci(tmp_path: Path) -> None:
    done = run_tests(tmp_path, CI="true")
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout
    assert "needs no-such-program, which is not installed" in done.stdout
