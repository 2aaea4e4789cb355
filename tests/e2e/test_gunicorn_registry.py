"""A registry in workers of gunicorn: each follows the file from its first call, and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.polling import until

ROOT = Path(__file__).resolve().parents[2]
WORKERS = {
    "sync": ("sync", "-w", "2"),
    "threads": ("gthread", "--threads", "4", "-w", "2"),
    "gevent": ("gevent", "-w", "1"),
}


class Server:
    """gunicorn with so many workers."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], count: int) -> None:
        self.url = url
        self.process = process
        self._count = count

    def get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(self.url + path, timeout=60).raise_for_status().json()
        return answer

    def workers(self, path: str) -> dict[int, dict[str, Any]]:
        """Answers of the workers."""
        found: dict[int, dict[str, Any]] = {}

        def ask() -> bool:
            told = self.get(path)
            found[told["pid"]] = told
            return len(found) == self._count

        until(ask)
        return found


@contextmanager
def serving(file: Path, kind: str, *, preload: bool) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "tests.support.gunicorn_app:app"]
    command += ["-b", f"127.0.0.1:{port}", "--no-control-socket", "-k", *WORKERS[kind]]
    environment = os.environ | {"BREAKERS": str(file)}
    with subprocess.Popen(
        [*command, *(["--preload"] if preload else [])], cwd=ROOT, env=environment
    ) as process:
        server = Server(f"http://127.0.0.1:{port}", process, int(WORKERS[kind][-1]))

        def answers() -> bool:
            with suppress(httpx.TransportError):
                return bool(server.get("/"))
            return False

        try:
            until(answers)
            yield server
        finally:
            process.kill()


@pytest.mark.parametrize("preload", [False, True], ids=["forked-first", "preload"])
@pytest.mark.parametrize("kind", WORKERS)
def test_each_worker_follows_the_file_from_its_first_call(
    tmp_path: Path, kind: str, preload: bool
) -> None:
    if kind == "gevent" and find_spec("gevent") is None:
        pytest.skip("gevent is not installed")
    file = tmp_path / "breakers.toml"
    file.write_text("latency_threshold = 600\n")
    with serving(file, kind, preload=preload) as server:
        for told in server.workers("/").values():
            assert set(told["missing"]) == {"ticker", "file"}
            assert "breaker-ticker" not in told["threads"]
        server.workers("/call")
        until(lambda: not any(told["missing"] for told in server.workers("/").values()))
        if kind == "gevent":
            both_at_once(server)
        file.write_text("latency_threshold = 700\n")
        until(lambda: {told["threshold"] for told in server.workers("/").values()} == {700})
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def both_at_once(server: Server) -> None:
    """Two requests of one worker meet: nothing blocks the process."""
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(server.get, ["/meet"] * 2))) == 2
