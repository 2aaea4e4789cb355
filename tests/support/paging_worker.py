"""A process of a service under test that pages, and notes what became of its calls.

It is asked as a `fleet_worker.Worker` is. Whom it pages is said by its environment.
"""

from __future__ import annotations

import os
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Final

import breakerd.breaker.config.file.watcher
import breakerd.breaker.fleet.hub.redis.hub  # noqa: F401 - else each process loads both
from breakerd import Breakerd, BreakerError
from breakerd.alerts.alerting import Alerting
from tests.support.fleet_worker import Worker

ANSWERED: Final = "answered"
FAILED: Final = "failed"
REJECTED: Final = "rejected"


def run(
    connection: Connection,
    config: str,
    environ: dict[str, str],
    folder: str,
    times: dict[str, float],
) -> None:
    """Work until asked to end, with these seconds in the place of constants of modules.

    The name of a constant is `MODULE:NAME`.
    """
    os.chdir(folder)
    os.environ.update(environ)
    for name, seconds in times.items():
        module, _, constant = name.partition(":")
        setattr(import_module(module), constant, seconds)
    PagingWorker(connection, Breakerd(config, memory=lambda: 0.1)).serve()


class PagingWorker(Worker):
    """Calls of one process that pages, and what it is asked to do."""

    def __init__(self, connection: Connection, breakers: Breakerd) -> None:
        super().__init__(connection, breakers)
        self._outcomes: list[tuple[str, float]] = []

    def outcomes(self) -> list[tuple[str, float]]:
        """Return what became of each call so far, and when on the monotonic clock."""
        return list(self._outcomes)

    def sends(self) -> bool:
        """Return True if this process is the one that sends alerts."""
        alerting: Alerting | None = self._breakers.alerting
        runtime = None if alerting is None else alerting._runtime
        return runtime is not None and runtime.pipeline._may_send()

    def _keep_calling(self) -> None:
        while not self._resting.wait(1 / self.rate):
            outcome = self._outcome()
            self._outcomes.append((outcome, time.monotonic()))

    def _outcome(self) -> str:
        try:
            self._call_once()
        except BreakerError:
            return REJECTED
        except OSError:
            return FAILED
        return ANSWERED
