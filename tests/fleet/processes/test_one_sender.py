"""Hosts that meet on a server, with a database each: one sender pages for all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support.fleet_hosts import ONE_STAGE, Host, Service, open_with_an_alert, replaced
from tests.support.fleet_processes import (
    PATIENCE,
    Dependency,
    closed_port,
    most_in_a_second,
)
from tests.support.paging_worker import REJECTED
from tests.support.polling import until
from tests.support.redis_servers import RedisServer
from tests.support.sender_kills import STAGES, TIMES, SenderKills
from tests.support.thoroughness import THOROUGH
from tests.support.told import told

pytestmark = pytest.mark.needs("redis-server")

HOSTS, DOWN, STAGE = (20, 60.0, 20) if THOROUGH else (4, 8.0, 6)
"""Hosts with four workers each, seconds for which their dependency is down, and until P2."""
RATE = 4.0
"""Calls per second of a process: too few for it to find out by itself within a second."""
SELDOM = 1.0 if THOROUGH else RATE
DETECTION = 3.0 * PATIENCE
"""Seconds from the first failure anywhere to the last process that rejects."""
PROBES = 5
"""Probes to the dependency in any second while it is down."""
KILLS = 50 if THOROUGH else 10
SILENCE = {"breakerd.sharing.alerting_link:_LOST": 6.0}
"""Nothing closes until those that were killed in trouble count no more: here a second later."""
AT_ONCE = "degraded_after = 1\n"
"""Belongs to `[alerts]` of each host: what is of no urgency is told all the same."""
TWO_STAGES = f"""
stages = [{{after = 0, priority = "P3"}}, {{after = {STAGE}, priority = "P2"}}]
"""


class Place:
    """Folder, hub, emulator and service of a test."""

    def __init__(self, folder: Path, server: RedisServer, service: Service) -> None:
        self.service = service
        self._folder = folder
        self._fleet = f'[fleet]\nhub = "{server.url}"\nname = "shop-{os.getpid()}"\n'

    def host(self, name: str, alerts: str = "") -> Host:
        return Host(self._folder, name, self.service.emulator, self._fleet, alerts)

    def hosts(self, number: int, alerts: str = "") -> list[Host]:
        return [self.host(f"host-{each}", alerts) for each in range(number)]


@pytest.fixture
def place(tmp_path: Path, redis_server: RedisServer) -> Iterator[Place]:
    with (
        Emulator(api_keys={"test-key"}, delay=0.02) as emulator,
        Service(emulator, {**TIMES, **SILENCE}) as service,
    ):
        yield Place(tmp_path, redis_server, service)


@pytest.mark.timeout(900)
def test_an_outage_of_all_hosts_is_one_alert_with_their_numbers(
    place: Place, dependency: Dependency
) -> None:
    service = place.service
    service.start(*[host for host in place.hosts(HOSTS, TWO_STAGES) for _ in range(4)])
    service.call(dependency, SELDOM)
    last = open_with_an_alert(service, dependency)
    first = dependency.failures()[0]
    if THOROUGH:
        assert last - first <= DETECTION
    last += 1  # calls that were on their way
    until(lambda: dependency.failures(first + DOWN), seconds=DOWN + 60)
    assert service.emulator.wait_for(lambda: "priority P2" in told(service.the_alert()), 60)
    details = service.the_alert().details
    assert details["Processes"] == f"{4 * HOSTS} of {4 * HOSTS}"
    assert details["Hosts"] == f"{HOSTS} of {HOSTS}"
    dependency.down = False
    for process in service.processes:
        process.wait_for("CLOSED", since=last)
    probes = dependency.failures(last)
    assert most_in_a_second(probes) <= PROBES
    service.wait_until_closed()
    alert = service.the_alert()
    assert steps(alert) == ["created P3", "priority P2", "closed"]
    assert alert.count == 1


def test_a_path_that_is_broken_for_one_is_told_softly(place: Place, dependency: Dependency) -> None:
    service = place.service
    service.start(*[host for host in place.hosts(4, AT_ONCE) for _ in range(4)])
    service.call(dependency, RATE)
    broken, *others = service.processes
    with closed_port() as port:
        broken.ask("call", port, 25.0)
        assert service.emulator.wait_for(service.emulator.alerts, 60)
        alert = service.the_alert()
        assert alert.priority == "P4", "the least severe"
        assert f"process {broken.pid} on host-0 (16 processes in all)" in alert.description
        assert alert.details["Processes"] == "1 of 16"
        broken.ask("call", dependency.port, RATE)
    service.wait_until_closed()
    assert steps(service.the_alert()) == ["created P4", "closed"]
    for process in others:
        assert not process.states
        assert REJECTED not in {outcome for outcome, _ in process.ask("outcomes")}


def test_hosts_are_replaced_during_an_outage(place: Place, dependency: Dependency) -> None:
    service = place.service
    service.start(*[host for host in place.hosts(2, ONE_STAGE) for _ in range(2)])
    service.call(dependency, RATE)
    open_with_an_alert(service, dependency)
    for number, process in enumerate(list(service.processes)):
        if number % 2 == 0:
            successor = place.host(f"new-{number // 2}", ONE_STAGE)
        replaced(service, process, successor, dependency, RATE)
    assert steps(service.the_alert()) == ["created P3"], "it is carried on"
    dependency.down = False
    for process in service.processes:
        process.wait_for("CLOSED")
    service.wait_until_closed()
    assert steps(service.the_alert()) == ["created P3", "closed"]


@pytest.mark.timeout(900)
def test_each_thing_is_told_once_though_senders_are_killed(
    place: Place, dependency: Dependency
) -> None:
    service = place.service
    service.start(*[host for host in place.hosts(2, STAGES) for _ in range(2)])
    service.call(dependency, RATE)
    kills = SenderKills(service, dependency, kills=KILLS)
    kills.run()
    kills.check()


def test_a_host_that_is_killed_is_followed_by_another(place: Place, dependency: Dependency) -> None:
    service = place.service
    service.start(*[host for host in place.hosts(2, TWO_STAGES) for _ in range(2)])
    service.call(dependency, RATE)
    open_with_an_alert(service, dependency)
    sender = service.sender()
    for process in list(service.processes):
        if service.host_of(process) is service.host_of(sender):
            service.kill(process)
    assert service.emulator.wait_for(lambda: "priority P2" in told(service.the_alert()), 60)
    dependency.down = False
    for process in service.processes:
        process.wait_for("CLOSED")
    service.wait_until_closed()
    assert steps(service.the_alert()) == ["created P3", "priority P2", "closed"]


def steps(alert: EmulatedAlert) -> list[str]:
    """Return what people were told of the alert, without notes."""
    return [what for what in told(alert) if what != "note"]
