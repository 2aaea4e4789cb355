"""A fleet of real processes that lives through faults of its hub, in calm and in an outage."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from breakerd.alerts.emulator import Emulator
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
from tests.support.thoroughness import THOROUGH
from tests.support.told import told

AWAY: Final = "the hub is away"
ALL: Final = "applied 4, waiting 0, silent 0, without this breaker 0"
ANSWER: Final = r"applied \d+, waiting \d+, silent \d+, without this breaker \d+"
ANSWER_TIME: Final = 2.0 * PATIENCE
RETURN_TIME: Final = 2.0 * PATIENCE
"""Seconds until the hub is used again: two intervals."""
WAIT: Final = 0.8
"""Seconds that no call takes beside its work: who waited for the hub would wait for 1 s."""
_PROBES: Final = 5
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
        hub.processes = processes
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
                assert state not in {each.ask("state", SPARE) for each in self.processes[1:]}
            else:
                assert re.match(ANSWER, text), text
            self._see_calls()
        ended = time.monotonic()
        until(lambda: all(self._up()))
        if THOROUGH:
            assert time.monotonic() - ended <= RETURN_TIME
        until(lambda: {each.ask("state", SPARE) for each in self.processes} == {state})
        until(lambda: all(len(each.ask("members")) == 4 for each in self.processes))
        until(lambda: self.processes[3].ask("command", mode, SPARE)[0] == ALL)
        self._see_calls()
        for before, now in zip(seen, self._entered(), strict=True):
            # One that is open may have probed by itself while the hub was away.
            assert set(now[len(before) :]) <= ({"OPEN", "HALF_OPEN"} if before else set()), now
        assert self._pages() == pages
        if THOROUGH:  # a process that gets no time waits for nobody
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
        assert most_in_a_second(self.dependency.failures(failures[-1])) <= _PROBES
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
    names = ("a", "a", "a", "a") if hub.url == "file" else ("a", "a", "b", "b")
    hosts = [{"BREAKERD_FLEET_HOST": host, **paging} for host in names]
    with started(path, hosts) as processes:
        for process in processes:
            process.ask("call", dependency.port)
        until(lambda: all(len(process.ask("members")) == 4 for process in processes))
        yield Fleet(hub, processes, dependency, emulator)
