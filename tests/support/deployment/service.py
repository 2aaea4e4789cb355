"""A service under test: some workers, each of which can be asked."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.support.deployment.processes import ServerProcess, is_running
from tests.support.deployment.settings import ServiceFolder
from tests.support.polling import until

_PATIENCE = 180.0
"""Maximum seconds until all workers answer as they should: many interpreters start at once."""


@dataclass(frozen=True)
class Report:
    """Answer of a worker about itself."""

    pid: int
    state: str
    threshold: float
    not_running: dict[str, str] = field(compare=False)


class Service(ABC):
    """A running service.

    Args:
        process: the server.
        folder: where it runs.
        workers: number of its processes that make calls.
    """

    def __init__(self, process: ServerProcess, folder: ServiceFolder, workers: int) -> None:
        self.process = process
        self.folder = folder
        self.workers = workers

    @abstractmethod
    def ask(self, action: str, times: int) -> list[dict[str, Any]]:
        """Ask so many questions at once; return the answers, which may be fewer."""

    def ask_one(self, action: str) -> Report:
        """Ask whichever worker comes first."""
        while not (found := self._reports(action, 1)):
            assert self.process.exit_code is None, self.process.log
        return found[0]

    def ask_all(self, action: str, condition: Callable[[Report], bool] = lambda _: True) -> float:
        """Ask until every worker that runs has answered as it should; return the seconds it took.

        Args:
            action: what to ask.
            condition: what each worker's report fulfils in the end.
        """
        started_at = time.monotonic()
        process, last = self.process, dict[int, Report]()

        def ask() -> bool:
            last.update({found.pid: found for found in self._reports(action, 2 * self.workers)})
            running = [found for found in last.values() if is_running(found.pid)]
            done = len(running) >= self.workers and all(map(condition, running))
            return done or process.exit_code is not None

        until(ask, _PATIENCE, pause=0.1)
        assert process.exit_code is None, process.log
        return time.monotonic() - started_at

    def _reports(self, action: str, times: int) -> list[Report]:
        return [Report(**found) for found in self.ask(action, times)]


class HttpService(Service):
    """A service that is asked over HTTP, on a new connection each time, so that each may answer.

    Args:
        process: the server.
        folder: where it runs.
        workers: number of its processes.
        url: its URL.
    """

    def __init__(
        self, process: ServerProcess, folder: ServiceFolder, workers: int, url: str
    ) -> None:
        super().__init__(process, folder, workers)
        # A client is costly to make, and safe to use in threads.
        self._client = httpx.Client(base_url=url, timeout=30, headers={"Connection": "close"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def ask(self, action: str, times: int) -> list[dict[str, Any]]:
        with ThreadPoolExecutor(times) as pool:
            answers = pool.map(lambda _: self._get(action), range(times))
            return [found for found in answers if found is not None]

    def _get(self, action: str) -> dict[str, Any] | None:
        """Ask once; None if the worker was killed or is being replaced."""
        try:
            response = self._client.get(f"/{action}")
        except httpx.TransportError:
            return None
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found
