"""A hub's file that is deleted, overwritten, kept locked, or on a disk that takes nothing."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.breaker.fleet.hub.factory import hub_file
from tests.support import hub_file_faults
from tests.support.deployment.processes import open_files
from tests.support.faulty_fleet import ALL, Fleet, Group, fleet_of, groups
from tests.support.fleet_processes import Dependency
from tests.support.fleet_worker import SPARE
from tests.support.hub_faults import FaultyHub
from tests.support.hub_file_faults import inode_of
from tests.support.polling import until
from tests.support.thoroughness import THOROUGH

EASY: Final = (hub_file_faults.deleted, hub_file_faults.overwritten)
HARD: Final = (hub_file_faults.disk_full, hub_file_faults.locked)
_DAC_OVERRIDE: Final = 1 << 1


def may_write_everywhere() -> bool:
    """Return True if permissions of files do not count for this process, as for root."""
    status = Path("/proc/self/status").read_text()
    return bool(int(re.search(r"CapEff:\s*(\w+)", status)[1], 16) & _DAC_OVERRIDE)  # type: ignore[index]


READ_ONLY: Final = pytest.param(
    (hub_file_faults.read_only,),
    id=hub_file_faults.read_only.__name__,
    marks=pytest.mark.skipif(may_write_everywhere(), reason="root may write everywhere"),
)


@pytest.fixture
def fleet(tmp_path: Path, dependency: Dependency, opsgenie_emulator: Emulator) -> Iterator[Fleet]:
    """Four processes of one host that meet in a file."""
    hub = FaultyHub("file", file=hub_file(tmp_path / "var" / "breakerd.db"))
    with fleet_of(tmp_path, hub, dependency, opsgenie_emulator) as made:
        yield made


@pytest.mark.parametrize("faults", [*groups(*EASY, rarely=HARD), READ_ONLY])
def test_in_calm_nothing_happens_but_that_each_process_decides_alone(
    faults: Group, fleet: Fleet
) -> None:
    for fault in faults:
        fleet.live_through(fault)
    assert not fleet.dependency.failures()
    assert not fleet.emulator.alerts()


@pytest.mark.parametrize("faults", groups(HARD[0], rarely=(*HARD[1:], *EASY)))
def test_in_an_outage_nothing_closes_and_nobody_is_paged_again(faults: Group, fleet: Fleet) -> None:
    fleet.open_all()
    for fault in faults:
        fleet.live_through(fault)
    fleet.close_all()


@pytest.mark.skipif(not THOROUGH, reason="takes long; tests/fleet/hubs keeps a file locked as well")
def test_a_member_that_was_stopped_in_an_exchange_comes_back(fleet: Fleet) -> None:
    """The others decide alone meanwhile, and then in a new file."""
    *others, stopped = fleet.processes
    before = inode_of(fleet.hub.file)
    until(lambda: all_open(stopped.pid, fleet.hub.file.parent))
    stopped.ask("stop_in_exchange")
    until(lambda: psutil.Process(stopped.pid).status() == psutil.STATUS_STOPPED)
    try:
        until(lambda: inode_of(fleet.hub.file) not in {before, 0})
        until(lambda: all(each.ask("hub_up") for each in others))
        assert others[0].ask("command", "disable", SPARE)[0].startswith("applied 3, waiting 0")
    finally:
        os.kill(stopped.pid, signal.SIGCONT)
    until(lambda: all(len(each.ask("members")) == 4 for each in fleet.processes))
    until(lambda: stopped.ask("state", SPARE) == "DISABLED")
    assert stopped.ask("command", "enable", SPARE)[0] == ALL
    assert not any(each.states for each in fleet.processes)
    assert not fleet.emulator.alerts()


def all_open(pid: int, folder: Path) -> bool:
    """Return True if a process has opened all its databases: it keeps others from it meanwhile."""
    found = open_files(pid)
    names = ("breakerd.db", "breakerd-fleet.db", "breakerd-counters.db")
    return folder not in found and all(folder / name in found for name in names)
