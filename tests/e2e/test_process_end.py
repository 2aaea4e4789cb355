"""A process that closes nothing ends at once, whatever runs in it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

RUNNING = """
    import sys, time
    from breakerd import Registry, StateAutosaver
    registry = Registry.from_file(sys.argv[1])
    StateAutosaver(registry, sys.argv[2], interval=3600).start()
    assert registry.get().allow()
    while registry.not_running():
        time.sleep(0.01)
    print("running", flush=True)
    {end}
"""
ENDS = {
    "end of the program": "",
    "exit": "sys.exit()",
    "exception": "raise SystemExit(0)",
    "fork": "import os\n    if os.fork():\n        os.wait()",
    "first use at exit": "import atexit; atexit.register(Registry().get().allow)",
}


@pytest.mark.parametrize("end", ENDS)
def test_it_ends(tmp_path: Path, end: str) -> None:
    file = tmp_path / "breakers.toml"
    file.write_text("")
    program = textwrap.dedent(RUNNING.format(end=ENDS[end]))
    arguments = [
        sys.executable,
        "-W",
        "error",
        "-c",
        program,
        str(file),
        f"{tmp_path}/breakers.json",
    ]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "running\n"
        # All threads wait for an hour, or for events that never come.
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert not errors
