from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.built_wheel import build
from tests.support.server_process import Server

CONFIG = """\
# who owns this file
latency_threshold = 300  # agreed with the team
latency_window_size = 32
minimum_calls = 3
wait_time = 1

[breakers.payments]
latency_threshold = 100  # they are in a hurry

[opsgenie]
team = "platform"  # pages them
trigger_on_breaker_open = false
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this folder."""
    return build("wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "breakers.toml").write_text(CONFIG)
    with Server("--config", "breakers.toml", "--demo-endpoints", folder=folder) as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    """A server that is as new: its file as it was, its breakers closed, its endpoint quick."""
    path = running_server.folder / "breakers.toml"
    path.chmod(0o644)
    with running_server.client() as client:
        # Two edits: changes that could not be written outlive a reload of the same content.
        for content in (f"{CONFIG}\n", CONFIG):
            path.write_text(content)
            assert client.post("/-/reload").status_code == 200
        for name in ("default", "payments"):
            assert client.post(f"/breakers/{name}/enabled").status_code == 200
        client.post("/test/trigger", json={"scenario": "reset_normal"})
        client.post("/set_delay", json={"delay": "1ms"})
    return running_server


@pytest.fixture
def config(server: Server) -> Path:
    """The server's file."""
    return server.folder / "breakers.toml"


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    """A client of the server."""
    with server.client() as client:
        yield client
