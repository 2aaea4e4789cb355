"""Learnt baselines and operator overrides outlive the process of the service."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from tests.support.server_process import Server

CONFIG = """\
[slo]
success_rate = 0.9
timeout = 5.0
warmup = 600.0

[breakers.payments]
wait_time = 3600

[api]
state_interval = 1.0
"""
STATE = "var/breakers.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "breakers.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[[], Server]]:
    """Starts the service; at the end, what still runs is killed."""
    servers: list[Server] = []

    def start() -> Server:
        server = Server("--config", "breakers.toml", "--demo-endpoints", folder=folder)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop(signal.SIGKILL)


def status(http: httpx.Client, name: str = "default") -> dict[str, Any]:
    path = f"/breakers/{name}/status"
    answer: dict[str, Any] = http.get(path, params={"scope": "process"}).json()
    return answer


def learn(http: httpx.Client) -> dict[str, Any]:
    """Makes calls until the baseline knows how long they take."""
    http.post("/set_delay", json={"delay": "20ms"})
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert http.get("/test").status_code == 200
        seen = status(http)
        if seen["baseline"]["confidence"] > 0.02:
            return seen
    raise AssertionError("nothing was learnt")


def saved_after(folder: Path, condition: Callable[[dict[str, Any]], bool]) -> None:
    """Waits for a saved state that is as it should be."""
    changed = threading.Event()

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            # To read the file is an event too.
            if event.event_type in {"created", "modified", "moved"}:
                changed.set()

    observer = Observer()
    observer.schedule(Handler(), str((folder / STATE).parent))
    observer.start()
    try:
        while not saved(folder, condition):
            assert changed.wait(60), "it was not saved"
            changed.clear()
    finally:
        observer.stop()
        observer.join()


def saved(folder: Path, condition: Callable[[dict[str, Any]], bool]) -> bool:
    if not (folder / STATE).exists():
        return False
    return condition(json.loads((folder / STATE).read_text())["breakers"])


def test_a_stopped_service_goes_on_where_it_was(serve: Callable[[], Server]) -> None:
    first = serve()
    with first.client() as http:
        before = learn(http)
        http.post("/breakers/payments/force-open", json={"reason": "database moves"})
    assert first.stop() == 0
    with serve().client() as http:
        after = status(http)
        assert after["calls"]["success"] == 0
        assert after["state"] == "WARMING_UP"
        assert after["window_calls"] == min(64, before["calls"]["success"])
        durations = after["baseline"]["series"]["duration"]["1day"]
        expected = before["baseline"]["series"]["duration"]["1day"]
        assert durations["mean"] == pytest.approx(expected["mean"], rel=0.5)
        assert after["baseline"]["confidence"] > 0.02
        assert after["retry_after_seconds"] < 600 * (1 - 0.01), "it need not learn that again"
        payments = status(http, "payments")
        assert (payments["state"], payments["note"]) == ("FORCED_OPEN", "database moves")


def test_a_killed_service_has_lost_no_more_than_an_interval(
    serve: Callable[[], Server], folder: Path
) -> None:
    first = serve()
    with first.client() as http:
        http.post("/breakers/payments/trip", json={"reason": "incident 42"})
        saved_after(folder, lambda saved: saved["payments"]["automatic"] == "OPEN")
    first.stop(signal.SIGKILL)
    with serve().client() as http:
        payments = status(http, "payments")
        assert (payments["state"], payments["note"]) == ("OPEN", "incident 42")
        assert payments["retry_after_seconds"] > 3000


def test_a_damaged_state_does_not_hinder_the_start(
    serve: Callable[[], Server], folder: Path
) -> None:
    (folder / "var").mkdir()
    (folder / STATE).write_text('{"version": 1, "breakers": {"default": {"version"')
    server = serve()
    with server.client() as http:
        assert status(http)["state"] == "WARMING_UP"
    assert server.stop() == 0
    assert any("damaged state quarantined" in line["event"] for line in server.log)
    assert len(list((folder / "var").glob("breakers.json.damaged-*"))) == 1
    assert json.loads((folder / STATE).read_text())["version"] == 1


def test_with_an_empty_name_nothing_is_kept(serve: Callable[[], Server], folder: Path) -> None:
    (folder / "breakers.toml").write_text('[api]\nstate_file = ""\n')
    server = serve()
    with server.client() as http:
        http.post("/breaker/trip")
        assert status(http)["state"] == "OPEN"
    assert server.stop() == 0
    assert not (folder / STATE).exists()
    with serve().client() as http:
        assert status(http)["state"] == "CLOSED"
