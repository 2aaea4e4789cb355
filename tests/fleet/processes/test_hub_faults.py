"""A hub that goes away, hangs, forgets or refuses: nothing opens, nothing closes, calls go on.

In calm, and while the breakers of all processes are open, and somebody was paged for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.breaker.fleet.hub.redis.script import keys_of
from tests.fleet.processes.conftest import calling
from tests.support import hub_faults
from tests.support.fleet_processes import (
    PATIENCE,
    SETTINGS,
    Dependency,
    Process,
    most_in_a_second,
    started,
)
from tests.support.fleet_worker import PAGED, SPARE
from tests.support.hub_faults import Fault, FaultyHub
from tests.support.polling import until
from tests.support.redis_servers import one_server, redis_program, three_nodes, with_sentinels
from tests.support.tcp_proxy import TcpProxy
from tests.support.thoroughness import THOROUGH
from tests.support.told import told

pytestmark = pytest.mark.needs("redis-server")

AWAY: Final = "the hub is away"
ALL: Final = "applied 4, waiting 0, silent 0, without this breaker 0"
ANSWER: Final = r"applied \d+, waiting \d+, silent \d+, without this breaker \d+"
ANSWER_TIME: Final = 2.0 * PATIENCE
WAIT: Final = 0.8
"""Seconds that no call takes beside its work: who waited for the hub would wait for 1 s."""
PROBES: Final = 5
"""Probes to the dependency in any second while it is down."""
PAGING: Final = """
[opsgenie]
enabled = true
team = "core"
environment = "test"
bookmaker_id = "b"
alert_cooldown_seconds = 0
trigger_on_degraded = false
trigger_on_latency_threshold = false
[alerts]
resolve_after = 1
group_window = 0
attach_chart = false
stages = [{ after = 0, priority = "P3" }]
"""
NAME: Final = f"shop-{os.getpid()}"

Group = tuple[Fault, ...]


def groups(*often: Fault, rarely: Sequence[Fault] = ()) -> list[object]:
    """Return faults that one fleet lives through: each alone in a thorough run, all of `often`."""
    if THOROUGH:
        return [pytest.param((each,), id=each.__name__) for each in (*often, *rarely)]
    return [pytest.param(often, id="-".join(each.__name__ for each in often))]


AWAY_FOR_ALL: Final = (
    hub_faults.killed,
    hub_faults.suspended,
    hub_faults.another_password,
    hub_faults.out_of_memory,
)
NETWORK: Final = (hub_faults.cut_off, hub_faults.silent, hub_faults.slow)
SERVER: Final = [
    *groups(*AWAY_FOR_ALL),
    *groups(*NETWORK, hub_faults.forgetful),
]
IN_TROUBLE: Final = groups(
    hub_faults.silent,
    hub_faults.forgetful,
    hub_faults.killed,
    rarely=(*AWAY_FOR_ALL[1:], hub_faults.cut_off, hub_faults.slow),
)


class Fleet:
    """Four processes on two hosts of one hub that can be broken, and whom they page."""

    def __init__(
        self,
        hub: FaultyHub,
        processes: list[Process],
        dependency: Dependency,
        emulator: Emulator,
    ) -> None:
        self.hub = hub
        self.processes = processes
        self.dependency = dependency
        self.emulator = emulator
        self._modes = cycle((("disable", "DISABLED"), ("enable", "CLOSED")))

    def live_through(self, fault: Fault) -> None:
        """See that the fault changes nothing, and that a command meanwhile is answered."""
        mode, state = next(self._modes)
        seen, pages = self._entered(), self._pages()
        self._slowest()
        with fault(self.hub) as away:
            if away:
                until(lambda: not any(self._up()))
            self._see_calls()
            text, seconds = self.processes[0].ask("command", mode, SPARE)
            assert seconds <= ANSWER_TIME
            if away:
                assert AWAY in text
                assert self.processes[0].ask("state", SPARE) == state
                assert {each.ask("state", SPARE) for each in self.processes[1:]} != {state}
            else:
                assert re.match(ANSWER, text), text
            self._see_calls()
        until(lambda: all(self._up()))
        until(lambda: {each.ask("state", SPARE) for each in self.processes} == {state})
        until(lambda: all(len(each.ask("members")) == 4 for each in self.processes))
        assert self.processes[3].ask("command", mode, SPARE)[0] == ALL
        self._see_calls()
        for before, now in zip(seen, self._entered(), strict=True):
            # One that is open may have probed by itself while the hub was away.
            assert set(now[len(before) :]) <= ({"OPEN", "HALF_OPEN"} if before else set()), now
        assert self._pages() == pages
        assert self._slowest() <= WAIT

    def open_all(self) -> None:
        """Begin an outage: all open, and somebody is paged once."""
        self.dependency.down = True
        for process in self.processes:
            process.wait_for("OPEN")
        assert self.emulator.wait_for(self._pages, 60)

    def close_all(self) -> None:
        """End the outage: all close, and so does the one alert."""
        failures = self.dependency.failures()
        until(lambda: len(self.dependency.failures(failures[-1])) >= 3)
        assert most_in_a_second(self.dependency.failures(failures[-1])) <= PROBES
        self.dependency.down = False
        until(lambda: {each.ask("state") for each in self.processes} == {"CLOSED"})
        assert self.emulator.wait_for(lambda: self._pages()[-1:] == ["closed"], 60)
        assert [(each.status, each.count) for each in self.emulator.alerts()] == [("closed", 1)]

    def _up(self) -> list[bool]:
        return [process.ask("hub_up") for process in self.processes]

    def _entered(self) -> list[list[str]]:
        """Return the states that the breaker of each process has entered."""
        return [[state for state, _ in process.states] for process in self.processes]

    def _pages(self) -> list[str]:
        return told(self.emulator.alerts())

    def _slowest(self) -> float:
        return max(float(process.ask("slowest")) for process in self.processes)

    def _see_calls(self) -> None:
        """Wait for a quarter of a second of calls of each process."""
        for process in self.processes:
            calls = process.ask("calls")
            until(lambda one=process, least=calls + 6: one.ask("calls") >= least)  # type: ignore[misc] # of this round


@contextmanager
def fleet_of(
    folder: Path, hub: FaultyHub, dependency: Dependency, emulator: Emulator
) -> Iterator[Fleet]:
    path = folder / "breakers.toml"
    path.write_text(f'{SETTINGS}{PAGING}[fleet]\nhub = "{hub.url}"\nname = "{NAME}"\n')
    paging = {PAGED: emulator.url, "OPSGENIE_API_KEY": "test-key"}
    hosts = [{"BREAKERD_FLEET_HOST": host, **paging} for host in ("a", "a", "b", "b")]
    with started(path, hosts) as processes:
        yield Fleet(hub, calling(processes, dependency), dependency, emulator)


@pytest.fixture
def fleet(tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator) -> Iterator[Fleet]:
    """Four processes that reach a server through a network."""
    with ExitStack() as stack:
        server = stack.enter_context(one_server(redis_program(), tmp_path / "redis"))
        network = stack.enter_context(TcpProxy(server.port))
        hub = FaultyHub(f"redis://127.0.0.1:{network.port}", server=server, network=network)
        yield stack.enter_context(fleet_of(tmp_path, hub, dependency, opsgenie_emulator))


@pytest.mark.parametrize("faults", SERVER)
def test_in_calm_nothing_happens_but_that_each_process_decides_alone(
    faults: Group, fleet: Fleet
) -> None:
    for fault in faults:
        fleet.live_through(fault)
    assert not fleet.dependency.failures()
    assert not fleet.emulator.alerts()


@pytest.mark.parametrize("faults", IN_TROUBLE)
def test_in_an_outage_nothing_closes_and_nobody_is_paged_again(faults: Group, fleet: Fleet) -> None:
    fleet.open_all()
    for fault in faults:
        fleet.live_through(fault)
    fleet.close_all()


@pytest.mark.parametrize(
    "faults",
    groups(hub_faults.failed_over_with_loss, rarely=[hub_faults.failed_over]),
)
def test_a_failover_in_an_outage(
    faults: Group, tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator
) -> None:
    with with_sentinels(redis_program(), tmp_path / "redis") as group:
        hub = FaultyHub(group.url, sentinels=group)
        with fleet_of(tmp_path, hub, dependency, opsgenie_emulator) as fleet:
            fleet.open_all()
            for fault in faults:
                fleet.live_through(fault)
            fleet.close_all()


def test_a_fleet_that_moves_to_another_node_of_a_cluster_in_an_outage(
    tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator
) -> None:
    with three_nodes(redis_program(), tmp_path / "redis") as cluster:
        hub = FaultyHub(cluster.url, keys_of(NAME)[0], cluster=cluster)
        with fleet_of(tmp_path, hub, dependency, opsgenie_emulator) as fleet:
            fleet.open_all()
            fleet.live_through(hub_faults.moved)
            fleet.close_all()
