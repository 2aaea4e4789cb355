"""Alerting in gunicorn's gevent workers, which replace threads, locks and queues after the fork."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.faults.conftest import Place
from tests.support.embedded_process import PYTHON, ROOT, variables
from tests.support.polling import until

pytest.importorskip("gevent")

CLOSE = """
def worker_exit(server, worker):
    from tests.support.alerting_wsgi import alerting
    alerting.close()
"""


@contextmanager
def gunicorn(place: Place, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """Two workers, and a client that opens a connection for each request."""
    place.folder.joinpath("gunicorn.conf.py").write_text(CLOSE)
    log = place.folder / "log"
    command = [
        *PYTHON[:1], "-m", "gunicorn", "--worker-class", "gevent", "--workers", "2",
        "--bind", "127.0.0.1:0", "--no-control-socket", *options,
        "--config", str(place.folder / "gunicorn.conf.py"), "--log-file", str(log),
        "tests.support.alerting_wsgi:app",
    ]  # fmt: skip
    environment = variables(place.emulator) | {"SETTINGS": str(place.file)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            until(lambda: log.exists() and "Listening at" in log.read_text())
            found = re.search(r"Listening at: (http://\S+)", log.read_text())
            assert found is not None
            headers = {"Connection": "close"}
            with httpx.Client(base_url=found[1], headers=headers, timeout=30) as client:
                yield process, client
        finally:
            process.kill()


def workers(client: httpx.Client, path: str = "/") -> int:
    """Return the number of workers in which alerting runs, of those that answer many requests."""
    answers = [client.get(path).json() for _ in range(16)]
    return len({answer["pid"] for answer in answers if not answer["not_running"]})


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded after", "loaded before"])
def test_workers_page_once_serve_meanwhile_and_end(place: Place, options: tuple[str, ...]) -> None:
    place.write("request_timeout = 60")
    with gunicorn(place, *options) as (process, client):
        until(lambda: workers(client) == 2)
        until(lambda: workers(client, "/open/payments") == 2)
        place.wait_for("payments", "created P3")
        place.emulator.fail("slow", delay=60)
        before = len(place.emulator.requests)
        client.get("/open/orders")
        assert place.emulator.wait_for(lambda: len(place.emulator.requests) > before)
        assert client.get("/", timeout=20).status_code == 200, "while the receiver hangs"
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        process.wait(30)
        assert time.monotonic() - asked_at < 15, "not for as long as the receiver hangs"
    assert len(place.alerts("payments")) == 1
