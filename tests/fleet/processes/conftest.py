from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.fleet_processes import SETTINGS, Dependency, Process, forked, started
from tests.support.polling import until
from tests.support.redis_servers import RedisServer, one_server, redis_program


@pytest.fixture
def dependency() -> Iterator[Dependency]:
    with Dependency() as made:
        yield made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """File of a service whose processes meet in a file."""
    path = tmp_path / "breakers.toml"
    path.write_text(f'{SETTINGS}[fleet]\nhub = "file"\n')
    return path


@pytest.fixture
def workers(config: Path, dependency: Dependency) -> Iterator[list[Process]]:
    """Four processes, forked from one, that call the dependency and know each other."""
    with forked(config, 4) as processes:
        yield calling(processes, dependency)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with one_server(redis_program(), folder) as server:
        yield server


@pytest.fixture
def pods(
    tmp_path: Path, dependency: Dependency, redis_server: RedisServer
) -> Iterator[list[Process]]:
    """Two processes on each of two hosts that meet on a server."""
    with on_two_hosts(tmp_path, redis_server) as processes:
        yield calling(processes, dependency)


@contextmanager
def on_two_hosts(folder: Path, server: RedisServer) -> Iterator[list[Process]]:
    path = folder / "breakers.toml"
    name = f"shop-{os.getpid()}"
    path.write_text(f'{SETTINGS}[fleet]\nhub = "{server.url}"\nname = "{name}"\n')
    hosts = [{"BREAKERD_FLEET_HOST": host} for host in ("a", "a", "b", "b")]
    with started(path, hosts) as processes:
        yield processes


def calling(processes: list[Process], dependency: Dependency) -> list[Process]:
    """Let all processes call, and wait until they know each other."""
    for process in processes:
        process.ask("call", dependency.port)
    until(lambda: all(len(process.ask("members")) == len(processes) for process in processes))
    return processes
