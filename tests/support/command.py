"""Run a command of `breakerd` to its end, and return its output and exit code."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from breakerd.api.cli.output import err, out
from breakerd.cli import app

BREAKERD = [sys.executable, "-W", "error", "-m", "breakerd"]
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
        done = CliRunner(env=TERMINAL | environment).invoke(
            app, [*map(str, arguments)], prog_name="breakerd", catch_exceptions=False
        )
    return Result(done.exit_code, done.stdout, done.stderr)


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
