"""Run a program of a test in a fresh interpreter, of which one thread is the only one."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any


def run_program(text: str, *arguments: object) -> Any:
    """Run it to its end; return the JSON that its last line holds."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
