"""Connections to the workers behind one socket: one to each, so that a test chooses who answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.deployment.processes import ServerProcess
from tests.support.polling import until

WORKERS: Final = 4
_COMMAND: Final = (
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", str(WORKERS)),
    *("--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
    *("--keep-alive", "3600", "tests.support.deployment.asgi_app:app"),
)


class Worker:
    """One worker, by a connection that it keeps; `pid` is its process id."""

    def __init__(self, url: str) -> None:
        limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
        self._client = httpx.Client(base_url=url, timeout=180, limits=limits)
        self.pid: int = self._client.get("/pay").json()["pid"]

    def authorize(self, token: str) -> None:
        """Send that token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer of its admin plane."""
        return self._answer(self._client.get(f"/ops/{path}"))

    def send(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Change something by its admin plane, and return the answer."""
        return self._answer(self._client.request(method, f"/ops/{path}", json=body))

    def close(self) -> None:
        self._client.close()

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        assert response.status_code < 300, response.text
        found: dict[str, Any] = response.json()
        return found


@contextmanager
def connected(folder: Path, settings: str) -> Iterator[list[Worker]]:
    """Run four workers of gunicorn, each of which has made a call and knows the others."""
    file = folder / "breakers.toml"
    file.write_text(settings)
    with ServerProcess(_COMMAND, folder, {"SERVICE_FILE": str(file)}) as process:
        url = process.wait_for(r"Listening at: (http://127.0.0.1:\d+)")[1]
        workers: dict[int, Worker] = {}
        try:
            until(lambda: _is_complete(workers, url))
            until((folder / "var" / "token").exists)
            for worker in workers.values():
                worker.authorize((folder / "var" / "token").read_text().strip())
            until(lambda: all(map(_knows_all, workers.values())))
            yield list(workers.values())
        finally:
            for worker in workers.values():
                worker.close()


def _is_complete(workers: dict[int, Worker], url: str) -> bool:
    """Connect once more; return True if each worker has a connection."""
    worker = Worker(url)
    if workers.setdefault(worker.pid, worker) is not worker:
        worker.close()
    return len(workers) == WORKERS


def _knows_all(worker: Worker) -> bool:
    members: dict[str, int] = worker.get("breakers/payments/status")["members"]
    return sum(members.values()) == WORKERS
