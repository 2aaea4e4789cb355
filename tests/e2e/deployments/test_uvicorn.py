"""uvicorn: one worker, and several that are spawned."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import HttpService
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.thoroughness import THOROUGH

COMMAND = (
    sys.executable,
    "-m",
    "uvicorn",
    "tests.support.deployment.asgi_app:app",
    "--port",
    "0",
    "--no-access-log",
)


@contextmanager
def uvicorn(folder: ServiceFolder, emulator: Emulator, workers: int) -> Iterator[Scenario]:
    command = (*COMMAND, "--workers", str(workers))
    with ServerProcess(command, folder.path, variables(folder, emulator)) as process:
        url = process.wait_for(r"running on (http://127.0.0.1:\d+)")[1]
        with HttpService(process, folder, workers, url) as service:
            yield Scenario(service, emulator)


def test_one_worker(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with uvicorn(folder, opsgenie_emulator, 1) as scenario:
        scenario.live()
        scenario.end(signal.SIGINT, foreground=True)
    with uvicorn(folder, opsgenie_emulator, 1) as started_again:
        scenario.service = started_again.service
        scenario.recover()
        scenario.end(code=-signal.SIGTERM)  # which uvicorn raises again in the end


def test_four_workers(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with uvicorn(folder, opsgenie_emulator, 4) as scenario:
        scenario.check_parent(threads=1)
        scenario.live(kill=THOROUGH)
        scenario.check_parent(threads=1)
        scenario.end()
