"""Promises to promote a candidate: kept by real services over kills, once, whoever does it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.polling import until
from tests.support.server_process import Server

FILE = """\
# thresholds of the shop
[breakers.payments]
latency_threshold = 800 # agreed with the team

[breakers.payments.candidate]
latency_threshold = 300
"""
PATH = "/breakers/payments"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "breakers.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack, folder: Path) -> Server:
    return stack.enter_context(Server("--config", "breakers.toml", folder=folder))


def post(server: Server, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    with server.client() as client:
        answer = client.post(PATH + path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def status(server: Server) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.get(f"{PATH}/status").json()
        return found


def threshold(server: Server) -> float:
    return float(status(server)["latency_threshold_ms"])


def test_it_is_kept_by_another_process_after_a_kill(stack: ExitStack, folder: Path) -> None:
    first, second = start(stack, folder), start(stack, folder)
    # Longer than the other process needs until it has read of it.
    post(first, "/promote", {"after_seconds": 15})
    until(lambda: (status(second)["shadow"] or {}).get("promise"))
    first.stop(signal.SIGKILL)
    until(lambda: threshold(second) == 300)
    text = (folder / "breakers.toml").read_text()
    assert text.startswith("# thresholds of the shop\n[breakers.payments]\n")
    assert "latency_threshold = 300 # agreed with the team" in text
    assert "candidate" not in text
    until(lambda: [r for r in second.log if r["event"] == "promised promotion settled"])


def test_it_survives_the_only_service(stack: ExitStack, folder: Path) -> None:
    first = start(stack, folder)
    post(first, "/promote", {"after_seconds": 3})
    first.stop(signal.SIGKILL)
    second = start(stack, folder)
    until(lambda: threshold(second) == 300)
    with second.client() as client:
        entry = client.get("/audit").json()["entries"][0]
    assert (entry["action"], entry["outcome"]) == ("keep promise to promote", "done")


def test_of_several_services_one_keeps_it(stack: ExitStack, folder: Path) -> None:
    servers = [start(stack, folder) for _ in range(3)]
    post(servers[0], "/promote", {"after_seconds": 2})
    until(lambda: [threshold(server) for server in servers] == [300] * 3)
    settled = [r for s in servers for r in s.log if r["event"] == "promised promotion settled"]
    assert [each["ending"] for each in settled] == ["kept"]
