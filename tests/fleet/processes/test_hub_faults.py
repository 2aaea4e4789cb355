"""A hub that goes away, hangs, forgets or refuses: nothing opens, nothing closes, calls go on.

In calm, and while the breakers of all processes are open, and somebody was paged for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.breaker.fleet.hub.redis.script import keys_of
from tests.support import hub_faults
from tests.support.faulty_fleet import ALL, NAME, Fleet, Group, fleet_of, groups
from tests.support.fleet_processes import Dependency
from tests.support.fleet_worker import SPARE
from tests.support.hub_faults import FaultyHub
from tests.support.polling import until
from tests.support.redis_servers import one_server, redis_program, three_nodes, with_sentinels
from tests.support.tcp_proxy import TcpProxy
from tests.support.thoroughness import THOROUGH

pytestmark = pytest.mark.needs("redis-server")

AWAY_FOR_ALL: Final = (
    hub_faults.killed,
    hub_faults.suspended,
    hub_faults.another_password,
    hub_faults.out_of_memory,
    hub_faults.cut_off,
)
IN_CALM: Final = groups(
    *AWAY_FOR_ALL, rarely=(hub_faults.silent, hub_faults.slow, hub_faults.forgetful)
)
IN_TROUBLE: Final = groups(
    hub_faults.silent,
    hub_faults.forgetful,
    hub_faults.killed,
    rarely=(*AWAY_FOR_ALL[1:], hub_faults.slow),
)


@pytest.fixture
def fleet(tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator) -> Iterator[Fleet]:
    """Four processes that reach a server through a network."""
    with ExitStack() as stack:
        server = stack.enter_context(one_server(redis_program(), tmp_path / "redis"))
        network = stack.enter_context(TcpProxy(server.port))
        hub = FaultyHub(f"redis://127.0.0.1:{network.port}", server=server, network=network)
        yield stack.enter_context(fleet_of(tmp_path, hub, dependency, opsgenie_emulator))


@pytest.mark.parametrize("faults", IN_CALM)
def test_in_calm_nothing_happens_but_that_each_process_decides_alone(
    faults: Group, fleet: Fleet
) -> None:
    for fault in faults:
        fleet.live_through(fault)
    assert not fleet.dependency.failures()
    assert not fleet.emulator.alerts()


@pytest.mark.parametrize("faults", IN_TROUBLE)
def test_in_an_outage_nothing_closes_and_nobody_is_paged_again(faults: Group, fleet: Fleet) -> None:
    with hub_faults.slow(fleet.hub):  # which is no fault: the fleet works
        fleet.open_all()
        # A busy machine may not answer within the time that a command has behind such a network.
        until(lambda: fleet.processes[2].ask("command", "observe", SPARE)[0] == ALL)
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


@pytest.mark.skipif(not THOROUGH, reason="takes long; tests/fleet/hubs moves a slot as well")
def test_a_fleet_that_moves_to_another_node_of_a_cluster_in_an_outage(
    tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator
) -> None:
    with three_nodes(redis_program(), tmp_path / "redis") as cluster:
        hub = FaultyHub(cluster.url, keys_of(NAME)[0], cluster=cluster)
        with fleet_of(tmp_path, hub, dependency, opsgenie_emulator) as fleet:
            fleet.open_all()
            fleet.live_through(hub_faults.moved)
            fleet.close_all()
