"""Four workers behind one socket tell the same, whichever of them answers."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.deployment.processes import ServerProcess, is_running
from tests.support.polling import until
from tests.support.server_process import Server

WORKERS = 4
ASKED = 40
COMMAND = (
    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", str(WORKERS)),
    *("--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
    "tests.support.deployment.asgi_app:app",
)
SETTINGS = '[breakers.payments]\nlatency_threshold = 5000\n[fleet]\nhub = "file"\n'
STATUS = "breakers/payments/status"


class Workers:
    """Four workers behind one socket. Each request is a connection: any of them answers it."""

    def __init__(self, folder: Path, process: ServerProcess) -> None:
        self._process = process
        self._folder = folder
        self._url = process.wait_for(r"Listening at: (http://127.0.0.1:\d+)")[1]

    def ask(self, path: str) -> httpx.Response:
        token = self._folder / "var" / "token"
        headers = {"Connection": "close"}
        if token.exists():
            headers["Authorization"] = f"Bearer {token.read_text().strip()}"
        answer = httpx.get(f"{self._url}/{path}", headers=headers, timeout=90)
        answer.raise_for_status()
        return answer

    def status(self, path: str = f"ops/{STATUS}") -> dict[str, Any]:
        found: dict[str, Any] = self.ask(path).json()
        return found

    def call(self, number: int) -> None:
        """Make calls at the same time, so that no worker gets all of them."""
        with ThreadPoolExecutor(number) as pool:
            list(pool.map(self.ask, ["pay"] * number))

    def counts(self) -> dict[str, float]:
        """Return what a scrape has counted, by sample."""
        text = self.ask("ops/metrics").text
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if family.name in ("breaker_calls", "breaker_call_duration_seconds")
            and sample.labels["breaker"] == "payments"
            and not sample.name.endswith("_sum")
        }

    @property
    def pids(self) -> set[int]:
        return self._process.pids() - {self._process.pid}


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Four workers, each of which was called."""
    (tmp_path / "breakers.toml").write_text(SETTINGS)
    environment = {"SERVICE_FILE": str(tmp_path / "breakers.toml")}
    with ServerProcess(COMMAND, tmp_path, environment) as process:
        workers = Workers(tmp_path, process)
        _call_all(workers)
        yield workers


def _call_all(workers: Workers) -> None:
    def all_hold_it() -> bool:
        workers.call(8)
        return bool(workers.status()["members"] == {"closed": WORKERS})

    until(all_hold_it)


def _calls(counts: dict[str, float]) -> float:
    return counts["breaker_calls_total[('breaker', 'payments'), ('outcome', 'success')]"]


def test_each_worker_tells_the_same(workers: Workers, tmp_path: Path) -> None:
    for _ in range(ASKED):  # each is scraped, most probably: it writes what it has counted
        workers.counts()
    asked = [workers.counts() for _ in range(ASKED)]
    assert asked == asked[:1] * ASKED
    statuses = [workers.status() for _ in range(ASKED)]
    keys = ("scope", "fleet_problem", "members", "state", "triggered", "enabled")
    assert {str([each[key] for key in keys]) for each in statuses} == {
        str(["fleet", "", {"closed": WORKERS}, "CLOSED", False, True])
    }
    lists = [workers.ask("ops/breakers").json()["breakers"] for _ in range(ASKED)]
    payments = [each for found in lists for each in found if each["name"] == "payments"]
    assert payments == payments[:1] * ASKED
    _beside_them(workers, tmp_path)


def _beside_them(workers: Workers, folder: Path) -> None:
    """`serve` with the same file shows the same, commands the same, and is none of them."""
    with Server("--config", "breakers.toml", folder=folder) as control, control.client() as client:
        status = client.get(f"/{STATUS}").json()
        assert (status["members"], status["fleet"]["processes"]) == ({"closed": 4}, 4)
        assert status["calls"]["success"] == _calls(workers.counts())
        assert len(client.get("/fleet").json()["members"]) == WORKERS
        # Given again if a process of a busy machine has not told within the answer's two seconds.
        until(lambda: re.match("applied 4, .* without this breaker 0", _disable(client)))
        until(lambda: workers.status()["members"] == {"disabled": WORKERS})
        assert client.get(f"/{STATUS}").json()["state"] == "DISABLED"


def _disable(client: httpx.Client) -> str:
    """Disable the breaker in all processes; return how far that has come."""
    text: str = client.post("/breakers/payments/disabled").json()["fleet"]["text"]
    return text


def test_counters_never_go_back_though_workers_are_killed(workers: Workers) -> None:
    latest = workers.counts()
    for _ in range(2):
        victim = next(iter(workers.pids))
        os.kill(victim, signal.SIGKILL)
        until(lambda pid=victim: not is_running(pid))  # type: ignore[misc]  # of this round
        for _ in range(ASKED // 2):
            _ask_through_a_restart(workers, "pay")
            found = workers.counts()
            assert all(found.get(name, 0) >= count for name, count in latest.items())
            latest = found
    assert _calls(latest) >= ASKED


def _ask_through_a_restart(workers: Workers, path: str) -> None:
    """Ask; a connection to the socket of a worker that was just killed is reset."""

    def answered() -> bool:
        try:
            workers.ask(path)
        except httpx.TransportError:
            return False
        return True

    until(answered)
