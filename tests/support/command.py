"""Run `breakerd` as a process, and return its output and exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BREAKERD = [sys.executable, "-W", "error", "-m", "breakerd"]


@dataclass(frozen=True)
class Result:
    """Result of a command."""

    code: int
    out: str
    err: str


def run(*arguments: str | Path, folder: Path | None = None, **environment: str) -> Result:
    """Run `breakerd` with these arguments to its end."""
    done = subprocess.run(
        [*BREAKERD, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"TERM": "dumb", "COLUMNS": "200"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Result(done.returncode, done.stdout, done.stderr)
