"""Two processes on each of two hosts that meet on a server: each host has the sums of all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.breaker.history import HistorySlot
from breakerd.breaker.record.reader import RecordReader
from tests.support.fleet_hosts import Host, Service
from tests.support.fleet_processes import Dependency
from tests.support.polling import until
from tests.support.redis_servers import RedisServer, one_server, redis_program, valkey_program

RATE = 20.0
BREAKER = "dependency"
HOSTS = ("a", "b")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    program = valkey_program()
    if program is None:
        program = redis_program()
    folder = tmp_path / "server"
    folder.mkdir()
    with one_server(program, folder) as started:
        yield started


@pytest.fixture
def service() -> Iterator[Service]:
    with Emulator(api_keys={"test-key"}) as emulator, Service(emulator) as started:
        yield started


def slots(file: Path, member: str | None = None) -> dict[float, HistorySlot]:
    now = time.time()
    found = RecordReader(file).slots(BREAKER, now - 600, now, step=10, member=member)
    return {slot.start: slot for slot in found}


def of_host(host: Host, member: str | None = None) -> dict[float, HistorySlot]:
    return slots(host.folder / "breakerd-history.db", member)


def of_fleet(host: Host, member: str | None = None) -> dict[float, HistorySlot]:
    return slots(host.folder / "breakerd-history-fleet.db", member)


def with_members(host: Host, members: int) -> set[float]:
    return {start for start, slot in of_fleet(host).items() if slot.members == members}


def test_each_host_has_the_sums_of_the_fleet_and_shows_who_is_missing(
    tmp_path: Path, service: Service, server: RedisServer, dependency: Dependency
) -> None:
    fleet = f'[fleet]\nhub = "{server.url}"\nname = "shop-{os.getpid()}"\n'
    a, b = (Host(tmp_path, name, service.emulator, fleet) for name in HOSTS)
    service.start(a, a, b, b)
    service.call(dependency, RATE)

    def complete() -> set[float]:
        return with_members(a, 4) & with_members(b, 4)

    until(lambda: len(complete()) >= 2, seconds=180)
    for start in complete():
        parts = [of_host(host)[start].calls for host in (a, b)]
        assert all(parts)
        for host in (a, b):
            assert of_fleet(host)[start].calls == sum(parts)
            assert [of_fleet(host, name)[start].calls for name in HOSTS] == parts
    for process in [each for each in service.processes if service.host_of(each) is b]:
        service.kill(process)
    last = max(of_host(b))
    until(lambda: any(start > last for start in with_members(a, 2)), seconds=180)
