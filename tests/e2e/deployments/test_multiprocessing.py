"""A pool of processes: forked with what the parent has made, or started anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import Service
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.polling import until
from tests.support.thoroughness import THOROUGH

COMMAND = (sys.executable, "-m", "tests.support.deployment.pool")
WORKERS = 3
LIVES: list[tuple[str, tuple[str, ...]]] = [("fork", ()), ("spawn", ())]
"""Methods, and what the parent does before it makes the pool."""
if THOROUGH:
    # A parent that forks amid its start: hung once in a run on a busy machine.
    LIVES += [("forkserver", ()), ("fork", ("pay",))]


class PoolService(Service):
    """A program that is asked on its standard input, and answers on its output."""

    def ask(self, action: str, times: int) -> list[dict[str, Any]]:
        before = len(self._answers())
        self.process.write(f"{action} {times}")
        until(lambda: len(self._answers()) > before or self.process.exit_code is not None)
        found: list[dict[str, Any]] = json.loads(self._answers()[-1])
        return found

    def _answers(self) -> list[str]:
        lines = self.process.log.splitlines(keepends=True)
        start = "answers: "
        return [each[len(start) :] for each in lines if each.startswith(start) and each[-1] == "\n"]


@contextmanager
def pool(
    method: str, folder: ServiceFolder, emulator: Emulator, *actions: str
) -> Iterator[Scenario]:
    """Run the program; `actions` are done by the parent before there is a pool."""
    command = (*COMMAND, method, str(WORKERS), *actions)
    with ServerProcess(command, folder.path, variables(folder, emulator)) as process:
        process.wait_for("ready")
        yield Scenario(PoolService(process, folder, WORKERS), emulator)


@pytest.mark.parametrize(("method", "actions"), LIVES)
def test_a_life(
    method: str, actions: tuple[str, ...], folder: ServiceFolder, opsgenie_emulator: Emulator
) -> None:
    with pool(method, folder, opsgenie_emulator, *actions) as scenario:
        if not actions:
            scenario.check_parent(threads=1)
            scenario.check_nothing_is_started()
        scenario.live()
        scenario.end()
