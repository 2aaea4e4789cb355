"""Celery: a pool of processes that are forked once the application is loaded, and threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from celery.exceptions import TimeoutError as ResultTimeoutError

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.celery_broker import connect, deliver
from tests.support.deployment.processes import ServerProcess, thread_count
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import Service
from tests.support.deployment.settings import ServiceFolder, variables

COMMAND = (sys.executable, "-m", "celery", "-A")
OPTIONS = ("worker", "--loglevel", "INFO", "--without-mingle", "--without-gossip")

OWN = 4.0
"""Seconds that Celery takes to end: its loop waits two for a broker that is a folder."""


class CeleryService(Service):
    """A worker that is asked by tasks."""

    def __init__(
        self, process: ServerProcess, folder: ServiceFolder, workers: int, app: Celery
    ) -> None:
        super().__init__(process, folder, workers)
        self._app = app

    def ask(self, action: str, times: int) -> list[dict[str, Any]]:
        sent = [self._app.send_task("ask", [action]) for _ in range(times)]
        deliver(self.folder.path)
        found = []
        for task in sent:
            try:
                found.append(task.get(timeout=30, interval=0.02))
            except ResultTimeoutError:
                continue
        return found


@contextmanager
def celery(
    module: str, pool: str, concurrency: int, folder: ServiceFolder, emulator: Emulator
) -> Iterator[ServerProcess]:
    module = f"tests.support.deployment.{module}"
    command = (*COMMAND, module, *OPTIONS, "--pool", pool, "--concurrency", str(concurrency))
    with ServerProcess(command, folder.path, variables(folder, emulator)) as process:
        process.wait_for("ready")
        yield process


def test_prefork(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with celery("celery_bare", "prefork", 3, folder, opsgenie_emulator) as process:
        threads = thread_count(process.pid)
    with celery("celery_app", "prefork", 3, folder, opsgenie_emulator) as process:
        service = CeleryService(process, folder, 3, connect(folder.path))
        scenario = Scenario(service, opsgenie_emulator)
        scenario.check_parent(threads)
        scenario.check_nothing_is_started()
        scenario.live()  # a killed child may hold the lock of Celery's queue, and nothing goes on
        scenario.check_parent(threads)
        scenario.end(own=OWN)


def test_threads(folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with celery("celery_app", "threads", 3, folder, opsgenie_emulator) as process:
        service = CeleryService(process, folder, 1, connect(folder.path))
        scenario = Scenario(service, opsgenie_emulator)
        scenario.check_nothing_is_started()
        scenario.live()
        scenario.end(own=OWN)
