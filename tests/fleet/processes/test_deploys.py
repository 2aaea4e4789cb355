"""Workers that are replaced one by one in the middle of an outage."""

from __future__ import annotations

from pathlib import Path

from breakerd.alerts.emulator import Emulator
from tests.support.fleet_hosts import ONE_STAGE, Host, Service, open_with_an_alert, replaced
from tests.support.fleet_processes import Dependency
from tests.support.told import told

RATE = 4.0
"""Calls per second of a process: too few for it to find out by itself within a second."""


def test_workers_of_a_host_are_replaced_during_an_outage(
    tmp_path: Path, opsgenie_emulator: Emulator, dependency: Dependency
) -> None:
    host = Host(tmp_path, "a", opsgenie_emulator, '[fleet]\nhub = "file"\n', ONE_STAGE)
    with Service(opsgenie_emulator) as service:
        service.start(*[host] * 4)
        service.call(dependency, RATE)
        open_with_an_alert(service, dependency)
        for worker in list(service.processes):
            replaced(service, worker, host, dependency, RATE)
        assert told(service.the_alert()) == ["created P3"], "it is carried on"
        dependency.down = False
        for worker in service.processes:
            worker.wait_for("CLOSED")
        service.wait_until_closed()
        assert [each for each in told(service.the_alert()) if each != "note"] == [
            "created P3",
            "closed",
        ]
