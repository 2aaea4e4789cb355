"""The server as a process: how it starts, reloads and stops, and whom it lets in."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.polling import until
from tests.support.server_process import Server, run_server

TOKENS = {"BREAKERD_TOKEN": "full-secret", "BREAKERD_READ_TOKEN": "read-secret"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has both tokens, on its built-in defaults."""
    folder = tmp_path_factory.mktemp("locked")
    with Server("--host", "0.0.0.0", folder=folder, environment=TOKENS) as server:
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")
        yield server


def test_who_has_no_token_may_ask_for_health_only(locked: Server) -> None:
    for token in (None, "wrong"):
        with locked.client(token) as client:
            assert client.get("/healthz").status_code == 200
            assert client.get("/readyz").status_code == 200
            assert client.get("/").status_code == 200, "the page holds no data"
            for path in ("/breakers", "/breaker/status", "/metrics", "/openapi.json"):
                assert client.get(path).status_code == 401
            assert client.post("/breaker/trip").status_code == 401


def test_the_read_token_reads(locked: Server) -> None:
    with locked.client("read-secret") as client:
        assert client.get("/breaker/status").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.post("/breaker/trip").status_code == 403
        assert client.get("/breaker/status").json()["state"] == "CLOSED"


def test_the_full_token_changes_and_nothing_tells_it(locked: Server) -> None:
    with locked.client("full-secret") as client:
        assert client.post("/breaker/trip").status_code == 200
        assert client.post("/breaker/reset").status_code == 200
        shown = client.get("/audit").text
    for secret in TOKENS.values():
        assert secret not in shown + locked.text
    assert '"right":"full token"' in shown


def test_a_browsers_way_of_sending_a_token(locked: Server) -> None:
    with locked.client() as client:
        assert client.get("/breaker/status", auth=("me", "read-secret")).status_code == 200
        assert client.get("/breaker/status", auth=("me", "wrong")).status_code == 401


def test_it_runs_on_built_in_defaults(locked: Server) -> None:
    with locked.client("full-secret") as client:
        assert client.post("/breaker/latency", json={"threshold": 700}).json()["latency"] == 700
        assert client.get("/breaker/status").json()["config"] is None
        assert client.post("/-/reload").status_code == 409


def test_without_a_token_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    refused = run_server("--host", "0.0.0.0", "--port", "0", folder=tmp_path)
    assert refused.returncode == 2
    assert "BREAKERD_TOKEN" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_wrong_file_is_told_of_in_full(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text("latency_threshold = -1\n[opsgenie]\nprioritty = 'P1'\n[api]\nport = -1\n")
    refused = run_server("--config", str(path), folder=tmp_path)
    assert refused.returncode == 2
    for line in (1, 3, 5):
        assert f"b.toml:{line}:" in refused.stderr
    assert "did you mean 'priority'" in refused.stderr
    missing = run_server("--config", "missing.toml", folder=tmp_path)
    assert missing.returncode == 2


def test_a_port_that_is_taken_is_told_of(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = run_server("--port", port, folder=tmp_path)
    assert refused.returncode == 1
    assert "cannot listen" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_although_somebody_follows_its_events(
    tmp_path: Path, number: signal.Signals
) -> None:
    server = Server(folder=tmp_path)
    listening, ended = threading.Event(), threading.Event()

    def follow() -> None:
        with server.client() as client, client.stream("GET", "/events") as stream:
            for _line in stream.iter_lines():
                listening.set()
        ended.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert listening.wait(30)
    assert server.stop(number) == 0
    follower.join(30)
    assert ended.is_set()
    assert server.log[-1]["event"] == "stopped"


def test_changes_of_the_file_come_into_force_and_wrong_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text("wait_time = 20\n")
    (tmp_path / "full").write_text("first\n")
    with Server("--config", "b.toml", folder=tmp_path) as server, server.client() as client:
        path.write_text("wait_time = -1\n")
        server.send(signal.SIGHUP)
        until(lambda: not config(client)["last_reload_successful"])
        assert client.get("/breaker/wait").json() == {"wait": 20}
        assert "breakerd_config_last_reload_successful 0.0" in client.get("/metrics").text
        path.write_text("wait_time = 7\n[api]\ntoken_file = 'full'\n")
        with server.client("first") as known:
            until(lambda: known.get("/breaker/wait").json() == {"wait": 7})
            assert client.get("/breaker/wait").status_code == 401
            # A token may change, but a plane that has one does not fall open.
            path.write_text("wait_time = 8\n")
            until(lambda: not config(known)["last_reload_successful"])
            assert client.get("/breaker/wait").status_code == 401


def config(client: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/breaker/status").json()["config"]
    return answer


def test_each_record_of_the_log_says_where_it_was_written(locked: Server) -> None:
    assert locked.log
    assert all(record["filename"] and record["lineno"] for record in locked.log)


@pytest.mark.parametrize("wanted", ["var/audit.jsonl", "elsewhere/changes.jsonl", ""])
def test_changes_are_written_to_the_audit_file(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "breakers.toml").write_text(f'[api]\naudit_file = "{wanted}"\n')
    with Server("--config", "breakers.toml", folder=tmp_path) as server, server.client() as client:
        client.post("/breaker/trip", json={"reason": "a test"}).raise_for_status()
        client.post("/breaker/wait", json={"wait_time": 7}).raise_for_status()
        shown = client.get("/audit").json()["entries"]
    assert [entry["action"] for entry in shown] == ["change settings", "trip"]
    lines = [line for file in tmp_path.rglob("*.jsonl") for line in file.read_text().splitlines()]
    written = [json.loads(line) for line in lines]
    assert written == (shown[::-1] if wanted else [])
    if wanted:
        assert (tmp_path / wanted).stat().st_mode & 0o777 == 0o600
