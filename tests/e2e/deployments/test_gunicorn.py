"""gunicorn: each class of worker, with the application loaded before the fork and after it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from breakerd.alerts.emulator import Emulator
from tests.support.deployment.processes import ServerProcess, is_running
from tests.support.deployment.scenario import Scenario
from tests.support.deployment.service import HttpService
from tests.support.deployment.settings import ServiceFolder, variables
from tests.support.polling import until
from tests.support.thoroughness import THOROUGH

WORKERS = 3
GRACE = 10
"""Seconds after which gunicorn kills workers: gevent's may hear no SIGTERM before a request."""
COMMAND = (
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", str(WORKERS)),
    "--no-control-socket",  # for which the arbiter has a thread
    *("--graceful-timeout", str(GRACE)),
)


@dataclass(frozen=True)
class Kind:
    """A class of worker and its options; `preload` loads the application before the fork."""

    name: str
    options: tuple[str, ...]
    app: str = "wsgi_app"
    preload: bool = False

    def __str__(self) -> str:
        return f"{self.name}-preload" if self.preload else self.name

    @property
    def arguments(self) -> list[str]:
        chosen = [*self.options, *(["--preload"] if self.preload else [])]
        return [*chosen, f"tests.support.deployment.{self.app}:app"]


PLAIN = [
    Kind("sync", ("--worker-class", "sync")),
    Kind("gthread", ("--worker-class", "gthread", "--threads", "4")),
    Kind("gevent", ("--worker-class", "gevent")),
    Kind("uvicorn", ("--worker-class", "uvicorn_worker.UvicornWorker"), "asgi_app"),
]
PRELOADED = [replace(kind, preload=True) for kind in PLAIN]
EVERY = [*PLAIN, *PRELOADED]
THREADED = PRELOADED[1]
# gevent patches the workers after the fork, which is the hardest for what was made before.
GREEN = PRELOADED[2]


@contextmanager
def gunicorn(
    kind: Kind, folder: ServiceFolder, emulator: Emulator, *options: str
) -> Iterator[Scenario]:
    command = (*COMMAND, *options, *kind.arguments)
    with ServerProcess(command, folder.path, variables(folder, emulator)) as process:
        url = process.wait_for(r"Listening at: (http://127.0.0.1:\d+)")[1]
        with HttpService(process, folder, WORKERS, url) as service:
            yield Scenario(service, emulator)


@pytest.mark.parametrize("kind", EVERY if THOROUGH else [*PLAIN, GREEN], ids=str)
def test_a_life(kind: Kind, folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with gunicorn(kind, folder, opsgenie_emulator) as scenario:
        scenario.check_parent(threads=1)
        if kind.app == "wsgi_app":  # an ASGI server tells the application that it starts
            scenario.check_nothing_is_started()
        scenario.live(kill=THOROUGH or kind == GREEN)
        scenario.check_parent(threads=1)
        scenario.end()
    if THOROUGH or kind == GREEN:
        with gunicorn(kind, folder, opsgenie_emulator) as started_again:
            scenario.service = started_again.service
            scenario.recover()


@pytest.mark.parametrize("kind", EVERY if THOROUGH else [THREADED], ids=str)
def test_a_reload(kind: Kind, folder: ServiceFolder, opsgenie_emulator: Emulator) -> None:
    with gunicorn(kind, folder, opsgenie_emulator) as scenario:
        scenario.trip_all()
        process = scenario.service.process
        before = process.pids() - {process.pid}
        os.kill(process.pid, signal.SIGHUP)
        until(lambda: not any(map(is_running, before)))
        scenario.recover()
        scenario.live()
        scenario.end()


@pytest.mark.parametrize("kind", EVERY if THOROUGH else [GREEN], ids=str)
def test_workers_that_are_replaced_after_some_requests(
    kind: Kind, folder: ServiceFolder, opsgenie_emulator: Emulator
) -> None:
    with gunicorn(kind, folder, opsgenie_emulator, "--max-requests", "150") as scenario:
        process = scenario.service.process
        scenario.check_edits()
        before = process.pids() - {process.pid}
        scenario.trip_all()
        service = scenario.service
        until(lambda: service.ask("fail", 2 * WORKERS) and not any(map(is_running, before)), 180)
        scenario.recover()
        scenario.check_edits()
        scenario.end(own=GRACE, saving=0)  # the latest worker may have answered nothing yet
