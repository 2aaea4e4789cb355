"""The service behind the dashboard: its file, and what tests ask of it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.server_process import Server

CONFIG = """\
latency_threshold = 300
[breakers.payments]
latency_threshold = 500
"""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server with the file and demo endpoints, on a free port."""
    (folder / "breakers.toml").write_text(CONFIG)
    with Server("--config", "breakers.toml", "--demo-endpoints", folder=folder) as server:
        yield server


def post(server: Server, path: str, body: object = None) -> None:
    httpx.post(server.url + path, json=body, headers=server.headers()).raise_for_status()


def link(server: Server) -> str:
    """The address of the dashboard with the token that the server has made."""
    return f"{server.url}/#token={server.made_token}"


def status(server: Server, breaker: str = "default") -> dict[str, object]:
    answer: dict[str, object] = httpx.get(f"{server.url}/breakers/{breaker}/status").json()
    return answer
