"""Nothing outside stops a page from the service: what clients, pipes and signals do to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.server_process import COMMAND, Server
from tests.support.webhook_receiver import RecordingServer, Reply

CONFIG = """\
[alerts]
group_window = 0
[alerts.receivers.webhook.w]
url = "{url}/"
[breakers.payments]
"""
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-More: "


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[RecordingServer]:
    with RecordingServer() as made:
        (tmp_path / "breakers.toml").write_text(CONFIG.format(url=made.url))
        yield made


def start(folder: Path, stderr: int, limits: str = "") -> tuple[subprocess.Popen[str], str]:
    """A service, once it listens, and its URL."""

    limited = ["sh", "-c", f'{limits}; exec "$@"', "sh"] if limits else []
    process = subprocess.Popen(
        [*limited, *COMMAND, "--port", "0", "--config", "breakers.toml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().rpartition(" ")[2].strip()


def trip(folder: Path, url: str) -> None:
    """Trip a breaker with the token that the service has made in its folder."""
    headers = {"Authorization": f"Bearer {(folder / 'var/token').read_text().strip()}"}
    answer = httpx.post(f"{url}/breakers/payments/trip", headers=headers, timeout=30)
    answer.raise_for_status()


def end(process: subprocess.Popen[str]) -> int:
    """End the service by SIGTERM, and return its exit code."""
    process.terminate()
    try:
        return process.wait(30)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def fill(pipe: int) -> None:
    """Fill a pipe to the last byte."""
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x")
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags)


def test_a_standard_error_that_nobody_reads(tmp_path: Path, receiver: RecordingServer) -> None:
    out, pipe = os.pipe()
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    process, url = start(tmp_path, pipe)
    fill(pipe)
    trip(tmp_path, url)
    assert receiver.wait_for(1), "the page leaves"
    assert httpx.get(f"{url}/readyz", timeout=30).json()["ready"]
    assert end(process) == 0, "SIGTERM ends it"
    os.close(out)
    os.close(pipe)


@pytest.mark.parametrize(
    ("limits", "clients"), [("ulimit -n 256", 300), ("ulimit -Sn 256; ulimit -Hn 1500", 1200)]
)
def test_clients_that_never_finish_a_request(
    tmp_path: Path, receiver: RecordingServer, limits: str, clients: int
) -> None:
    process, url = start(tmp_path, subprocess.DEVNULL, limits)
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard, "it has raised its own limit"
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    with ExitStack() as stack:
        for _ in range(clients):
            client = stack.enter_context(socket.create_connection(address, timeout=30))
            client.sendall(HALF_A_HEAD)
        trip(tmp_path, url)
        assert receiver.wait_for(1), "the page leaves"
        assert httpx.get(f"{url}/readyz", timeout=30).json()["checks"]["alerting"] == "ok"
    assert end(process) == 0


def test_a_receiver_that_hangs_does_not_keep_the_service_alive(tmp_path: Path) -> None:
    with RecordingServer() as receiver:
        receiver.answer = lambda _request: Reply(raw=b"HTTP/1.1 200 OK\r\n", drips=b"X-More: 1\r\n")
        (tmp_path / "breakers.toml").write_text(CONFIG.format(url=receiver.url))
        process, url = start(tmp_path, subprocess.DEVNULL)
        trip(tmp_path, url)
        assert receiver.wait_for(1)
        assert end(process) == 0


def test_requests_and_streams_that_hang_do_not_either(
    tmp_path: Path, receiver: RecordingServer
) -> None:
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with ExitStack() as stack:
            for path in ("/events", "/breaker/status"):
                client = stack.enter_context(socket.create_connection(address))
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            post = stack.enter_context(socket.create_connection(address))
            post.sendall(b"POST /breaker/trip HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
            server.send(signal.SIGTERM)
            assert server.stop() == 0
    assert "Traceback" not in server.text
    assert receiver.requests == []


def test_hangups_at_any_moment_are_harmless(tmp_path: Path, receiver: RecordingServer) -> None:
    """While it is starting, running and stopping; each is a reload, or nothing."""
    with Server("--config", "breakers.toml", folder=tmp_path) as server:
        for _ in range(50):
            server.send(signal.SIGHUP)
        with server.client() as client:
            assert client.get("/healthz").status_code == 200
        server.send(signal.SIGTERM)
        for _ in range(50):
            server.send(signal.SIGHUP)
        assert server.stop() == 0
    assert any(record["event"] == "configuration unchanged" for record in server.log)
    assert receiver.requests == []


EXHAUSTED_HOST = """\
import os, resource, sys, threading
from breakerd import Alerting, Registry

resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
taken, used_up = [], threading.Event()

def take_all():
    while True:
        try:
            taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            used_up.set()

with Registry.from_file("breakers.toml") as registry, Alerting.from_file(
    "breakers.toml", registry
):
    breaker = registry.get("payments")
    # As a server that accepts whatever connects: what becomes free is taken at once.
    threading.Thread(target=take_all, daemon=True).start()
    used_up.wait()
    breaker.trip("a test")
    sys.stdin.readline()
    os._exit(0)
"""


def test_a_host_without_file_descriptors(tmp_path: Path, receiver: RecordingServer) -> None:
    (tmp_path / "host.py").write_text(EXHAUSTED_HOST)
    with subprocess.Popen(
        [sys.executable, "host.py"], cwd=tmp_path, stdin=subprocess.PIPE
    ) as process:
        assert receiver.wait_for(1), "the page leaves"
        assert receiver.requests[0].json["event"] == "create"
        process.communicate(b"\n", timeout=60)


HANGING_SERVICE = """\
import threading
from pathlib import Path

from breakerd import service
from breakerd.breaker.registry import Registry

service._STOP_LIMIT = 1.0
Registry.save = lambda *_: threading.Event().wait()  # as on a disk that hangs
service.Service(Path("breakers.toml"), port=0).run()
"""


def test_a_service_that_cannot_end_in_order_ends_all_the_same(
    tmp_path: Path, receiver: RecordingServer
) -> None:
    (tmp_path / "service.py").write_text(HANGING_SERVICE)
    process = subprocess.Popen(
        [sys.executable, "service.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    assert end(process) == 1
    with process.stderr as log:
        assert "not everything ended in time" in log.read()
    assert receiver.requests == []
