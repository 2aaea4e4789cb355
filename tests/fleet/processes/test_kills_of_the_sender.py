"""SIGKILL of the process that sends alerts, at any instant of incidents: others take over."""

from __future__ import annotations

from pathlib import Path

from breakerd.alerts.emulator import Emulator
from tests.support.fleet_hosts import Host, Service
from tests.support.fleet_processes import Dependency
from tests.support.sender_kills import STAGES, TIMES, SenderKills
from tests.support.thoroughness import THOROUGH

KILLS = 50 if THOROUGH else 10


def test_each_thing_is_told_once_though_senders_of_a_host_are_killed(
    tmp_path: Path, dependency: Dependency
) -> None:
    with (
        Emulator(api_keys={"test-key"}, delay=0.02) as emulator,
        Service(emulator, TIMES) as service,
    ):
        host = Host(tmp_path, "a", emulator, '[fleet]\nhub = "file"\n', STAGES)
        service.start(*[host] * 4)
        service.call(dependency, 5.0)
        kills = SenderKills(service, dependency, kills=KILLS)
        kills.run()
        kills.check()
