"""A process is killed between the change of the file and its row: the next one knows both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from breakerd import Breakerd
from tests.support.polling import until

_KILLED = """
import os, signal
from breakerd import Breakerd
from breakerd.breaker.config.following.origin import Origin, Way, changing_as
from breakerd.breaker.config_log import ConfigLog
from tests.support.polling import until

ConfigLog.changed = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
with Breakerd("breakers.toml", alerting=False) as breakers:
    until(lambda: breakers.config_log.rows())
    with changing_as(Origin(Way.HTTP, "ada", "full token", "black friday")):
        breakers.registry.change("default", {"wait_time": 20})
"""


def test_a_killed_process_is_known_by_its_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "breakers.toml"
    file.write_text("wait_time = 10\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    run = subprocess.run([sys.executable, "-c", _KILLED], env=environment, check=False)
    assert run.returncode == -signal.SIGKILL
    assert file.read_text() == "wait_time = 20\n"
    with Breakerd("breakers.toml", alerting=False) as breakers:
        log = breakers.config_log
        assert log is not None
        until(lambda: len(log.rows()) == 2)
        newest = log.rows()[0]
    assert (newest.number, newest.origin.by, newest.origin.reason) == (2, "ada", "black friday")
