"""Workers of gunicorn have one configuration, one log of it, and the same temporary values."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from tests.support.polling import until

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 3
TOKEN = "a-token-for-this-test"


class Host:
    """A host with some workers that read one file."""

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self.file = file

    def ask(self, method: str, path: str, user: str = "ada", **more: Any) -> httpx.Response:
        own = {"Authorization": f"Bearer {TOKEN}", "X-Breakerd-User": user}
        headers = {**own, **more.pop("headers", {})}
        return httpx.request(method, f"{self.url}/ops{path}", headers=headers, timeout=60, **more)

    def in_force(self) -> dict[str, tuple[float, float]]:
        """Return the latency threshold and the wait in each worker, once each has answered."""
        found: dict[str, tuple[float, float]] = {}

        def ask() -> bool:
            answer = self.ask("GET", "/breaker/config")
            told = answer.json()
            found[answer.headers["X-Worker"]] = (told["latency_threshold"], told["wait_time"])
            return len(found) == WORKERS

        until(ask)
        return found

    def wait_for(self, latency: float, wait: float) -> None:
        """Wait until every worker has these settings."""
        until(lambda: set(self.in_force().values()) == {(latency, wait)})

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/config/history").json()["configs"]
        return found[::-1]


@contextmanager
def serving(folder: Path) -> Iterator[Host]:
    file = folder / "breakers.toml"
    file.write_text("latency_threshold = 500  # agreed\nwait_time = 10\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "tests.support.config_host:app", "--preload"]
    command += ["-b", f"127.0.0.1:{port}", "--no-control-socket", "-w", str(WORKERS)]
    command += ["-k", "uvicorn_worker.UvicornWorker", "--chdir", str(folder)]
    own = {"BREAKERS": str(file), "BREAKERD_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own}, stderr=log)
        try:
            host = Host(f"http://127.0.0.1:{port}", file)
            until(lambda: _answers(host))
            yield host
        finally:
            process.terminate()
            process.wait(60)


def _answers(host: Host) -> bool:
    with suppress(httpx.TransportError):
        return host.ask("GET", "/healthz").is_success
    return False


def test_operators_and_workers_see_the_same(tmp_path: Path) -> None:
    with serving(tmp_path) as host:
        host.wait_for(500, 10)
        _two_at_once(host)
        _temporary_under_an_edit(host)
        host.wait_for(800, 20)
        done = host.ask("POST", "/config/rollback?reason=enough", json={"to": 1}).json()
        assert done["message"].startswith("Rolled back to 1")
        host.wait_for(500, 10)
        assert host.file.read_text() == "latency_threshold = 500  # agreed\nwait_time = 10\n"
        ways = [(row["way"], row["by"]) for row in host.rows()]
        assert ways[0] == ("start", "")
        assert ways[1] in {("http", "ada"), ("http", "bob")}
        assert ways[2:] == [("http", "ada"), ("file", ""), ("file", ""), ("http", "ada")]


def _two_at_once(host: Host) -> None:
    """Let two operators change what both have read: one is told what the other has done."""
    seen = host.ask("GET", "/breaker/config").headers["ETag"]

    def change(user: str) -> httpx.Response:
        own = {"If-Match": seen}
        return host.ask("PATCH", "/breaker/config", user, json={"wait_time": 20}, headers=own)

    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(("ada", "bob"), pool.map(change, ("ada", "bob")), strict=True))
    assert sorted(each.status_code for each in answers.values()) == [200, 412]
    (winner,) = [user for user, each in answers.items() if each.status_code == 200]
    (late,) = [each for each in answers.values() if each.status_code == 412]
    assert f"{winner} by HTTP with the full token changed wait_time" in late.json()["detail"]
    host.wait_for(500, 20)


def _temporary_under_an_edit(host: Host) -> None:
    """Edit the file by hand while a temporary value is in force: first another key, then its."""
    query = "?persist=false&reason=tonight"
    host.ask("PATCH", f"/breaker/config{query}", json={"latency_threshold": 700})
    host.wait_for(700, 20)
    host.file.write_text(host.file.read_text().replace("wait_time = 20", "wait_time = 30"))
    host.wait_for(700, 30)
    text = host.file.read_text().replace("wait_time = 30", "wait_time = 20")
    host.file.write_text(text.replace("= 500", "= 800"))
    host.wait_for(800, 20)
    assert host.ask("GET", "/config/drift").json()["drift"] == []
    until(lambda: len(host.rows()) == 5)
