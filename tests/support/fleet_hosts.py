"""Hosts of a service: each a folder with a file and a database of its own, and processes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from breakerd.alerts.emulator import EmulatedAlert, Emulator
from tests.support import paging_worker
from tests.support.fleet_processes import LIMIT, SETTINGS, WARM, Dependency, Process
from tests.support.paging_worker import REJECTED
from tests.support.polling import until

PAGING: Final = """
[opsgenie]
enabled = true
team = "platform"
environment = "test"
bookmaker_id = "b1"
alert_cooldown_seconds = 0
[alerts]
database = "breakerd.db"
resolve_after = 1
group_window = 0
retry_limit = 1
attach_chart = false
"""
ONE_STAGE: Final = """
stages = [{after = 0, priority = "P3"}]
"""
"""Belongs to `[alerts]` of a host whose incident may last long on a busy machine."""
_CLOSED: Final = 120.0
"""Seconds after which an alert should have been closed, though somebody has gone silent."""
_AT_ONCE: Final = 8
"""Number of processes that start at the same time."""


class Host:
    """Host of that name in a folder of its own.

    Args:
        folder: folder of all hosts.
        name: its name in the fleet.
        emulator: whom its processes page.
        fleet: section of its file about the fleet.
        alerts: what its file says about alerts beside `PAGING`.
    """

    def __init__(
        self, folder: Path, name: str, emulator: Emulator, fleet: str, alerts: str = ""
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        self.file = self.folder / "breakers.toml"
        self.file.write_text(f"{SETTINGS}{PAGING}{alerts}{fleet}")
        self.environ = {
            "BREAKERD_FLEET_HOST": name,
            "OPSGENIE_API_URL": emulator.url,
            "OPSGENIE_API_KEY": "test-key",
        }


class Service:
    """Processes on hosts; all that still run end with the block.

    Args:
        emulator: whom they page.
        times: seconds in the place of constants, see `paging_worker.run`.

    Attributes:
        processes: those that run, in the order of their start.
    """

    def __init__(self, emulator: Emulator, times: Mapping[str, float] | None = None) -> None:
        self.emulator = emulator
        self._times = dict(times or {})
        self.processes: list[Process] = []
        self._hosts: dict[Process, Host] = {}
        self._children: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc is not None:
            for child in self._children:
                child.kill()  # it need not end in order, and may hang
        for process in list(self.processes):
            self.end(process)
        for child in self._children:
            child.join(LIMIT)
            if child.is_alive():
                child.kill()
                child.join()
            child.close()

    def start(self, *hosts: Host) -> list[Process]:
        """Start a process on each of these hosts, some at a time."""
        batches = [hosts[first : first + _AT_ONCE] for first in range(0, len(hosts), _AT_ONCE)]
        return [process for batch in batches for process in self._start_at_once(batch)]

    def _start_at_once(self, hosts: Sequence[Host]) -> list[Process]:
        pipes = [WARM.Pipe() for _ in hosts]
        for host, (_, theirs) in zip(hosts, pipes, strict=True):
            folder = str(host.folder)
            arguments = (theirs, str(host.file), host.environ, folder, self._times)
            child = WARM.Process(target=paging_worker.run, args=arguments)
            child.start()
            theirs.close()
            self._children.append(child)
        started = [Process(ours) for ours, _ in pipes]
        self.processes += started
        self._hosts.update(zip(started, hosts, strict=True))
        return started

    def host_of(self, process: Process) -> Host:
        """Return the host that it runs on, or has run on."""
        return self._hosts[process]

    def end(self, process: Process) -> None:
        """End a process in order."""
        self.processes.remove(process)
        process.end()

    def kill(self, process: Process) -> None:
        """End a process by SIGKILL."""
        self.processes.remove(process)
        process.kill()
        process.end()

    def call(self, dependency: Dependency, rate: float) -> None:
        """Let all call so many times a second each, and wait until they know each other."""
        for process in self.processes:
            process.ask("call", dependency.port, rate)
        count = len(self.processes)
        until(lambda: all(len(each.ask("members")) == count for each in self.processes))

    def sender(self) -> Process:
        """Return the process that sends alerts, once there is just one that says so."""
        found: list[Process] = []

        def one_sends() -> bool:
            found[:] = [each for each in self.processes if each.ask("sends")]
            return len(found) == 1

        until(one_sends)
        return found[0]

    def the_alert(self) -> EmulatedAlert:
        """Return the only alert that anybody was sent."""
        alerts = self.emulator.alerts()
        shown = [(each.alias, each.message, each.status) for each in alerts]
        assert len(alerts) == 1, shown
        return alerts[0]

    def wait_until_closed(self) -> None:
        """Wait until all alerts are closed."""
        found = self.emulator.wait_for(
            lambda: all(each.status == "closed" for each in self.emulator.alerts()), _CLOSED
        )
        assert found, [(each.alias, each.message) for each in self.emulator.alerts()]


def open_with_an_alert(service: Service, dependency: Dependency) -> float:
    """Let the dependency fail; return when the last process rejected, once somebody is paged."""
    began = time.monotonic()
    dependency.down = True
    opened = max(process.wait_for("OPEN", since=began) for process in service.processes)
    assert service.emulator.wait_for(service.emulator.alerts, LIMIT)
    return opened


def replaced(
    service: Service, old: Process, host: Host, dependency: Dependency, rate: float
) -> Process:
    """End a process in order and start another one on `host`, which rejects soon.

    Returns:
        The new process. Of the calls of its first second, at least one was rejected.
    """
    service.end(old)
    (new,) = service.start(host)
    new.ask("call", dependency.port, rate)
    until(lambda: REJECTED in (kinds := _outcomes(new)) or len(kinds) > rate)
    assert REJECTED in _outcomes(new)[: int(rate)], new.ask("outcomes")
    return new


def _outcomes(process: Process) -> list[str]:
    return [outcome for outcome, _ in process.ask("outcomes")]


def states(processes: Sequence[Process]) -> set[str]:
    """Return the present states of the breaker."""
    return {process.ask("state") for process in processes}
