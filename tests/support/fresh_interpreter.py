"""Modules that a fresh interpreter loads."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def loaded(program: str, *, since: str = "") -> set[str]:
    """The modules that `program` loads, without those that were there after `since`."""
    before = f"import sys\n{textwrap.dedent(since)}\nbefore = set(sys.modules)\n"
    after = "\nprint('loaded', *set(sys.modules) - before)"
    # Coverage would load modules of its own first, and hide who else does.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(program) + after],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])
