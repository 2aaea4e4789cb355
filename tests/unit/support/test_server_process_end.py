"""Nothing of a server is left, though its first process replaces workers that end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.deployment.processes import ServerProcess, is_running
from tests.support.polling import until

REPLACING = """
import os, signal
def fork():
    if not os.fork():
        signal.pause()
for _ in range(4):
    fork()
while True:
    os.wait()
    fork()
"""


def test_no_worker_is_left_that_replaced_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = os.kill
    with ServerProcess((sys.executable, "-c", REPLACING), tmp_path, {}) as process:
        until(lambda: len(process.pids()) == 5)

        def kill_and_wait(pid: int, number: int) -> None:
            """Give the first process, if it still runs, the time to replace what was killed."""
            before = process.pids()
            kill(pid, number)
            until(lambda: not is_running(pid))
            until(lambda: not is_running(process.pid) or process.pids() - before)

        monkeypatch.setattr(os, "kill", kill_and_wait)
    monkeypatch.undo()
    assert not process.pids()
