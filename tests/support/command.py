"""Run a command of `breakerd` to its end, and return its output and exit code."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from breakerd.api.cli.output import err, out
from breakerd.cli import app
from tests.support.warnings_as_errors import PYTHON_OPTIONS

BREAKERD = [sys.executable, *PYTHON_OPTIONS, "-m", "breakerd"]
TERMINAL = {"TERM": "dumb", "COLUMNS": "200"}
"""The terminal that a command sees, so that its tables are not cut."""


@dataclass(frozen=True)
class Result:
    """Result of a command."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, folder: Path | None = None, **environment: str) -> Result:
    """Run `breakerd` with these arguments in this process: a new one takes most of a second."""
    # A console takes its width from the environment in which it was imported.
    out.width = err.width = int(TERMINAL["COLUMNS"])
    with contextlib.chdir(folder or Path.cwd()):
        done = _runner(TERMINAL | environment).invoke(
            app, [*map(str, arguments)], prog_name="breakerd", catch_exceptions=False
        )
    return Result(done.exit_code, done.stdout, done.stderr)


def _runner(environment: dict[str, str]) -> CliRunner:
    """Keeps the two outputs apart, which click before 8.2 does only if it is told to."""
    told = "mix_stderr" in inspect.signature(CliRunner.__init__).parameters
    separate: dict[str, Any] = {"mix_stderr": False} if told else {}
    return CliRunner(env=environment, **separate)


def run_process(*arguments: str | Path, folder: Path | None = None, **environment: str) -> Result:
    """Run `breakerd` as a process of its own."""
    done = subprocess.run(
        [*BREAKERD, *map(str, arguments)],
        cwd=folder,
        env=os.environ | TERMINAL | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Result(done.returncode, done.stdout, done.stderr)
