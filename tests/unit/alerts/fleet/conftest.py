"""Hosts that share a hub in memory, each with a process, a database and a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from breakerd.alerts.emulator import Emulator
from breakerd.alerts.fleet.link import HubView
from breakerd.alerts.fleet.sender_lease import Role
from breakerd.alerts.model.content import Spread
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.store import SharedStore
from breakerd.breaker.states import REJECTING
from breakerd.breaker.testing import ManualClock
from tests.unit.alerts.conftest import World

START: Final = 1_800_000_000.0


class CutOff:
    """Store of a hub that cannot be reached."""

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        def fail(*_args: object, **_options: object) -> None:
            raise HubUnavailableError("the network is cut")

        return fail


class Host(World):
    """A host with one process."""

    def __init__(self, fleet: Hosts, name: str, emulator: Emulator, folder: Path) -> None:
        super().__init__(emulator, folder)
        self.host, self.hosts = name, fleet
        self.cut = False
        """True while it does not reach the hub, and knows it."""
        self.hangs = False
        """True while each question to the hub takes too long."""
        self.alive = True
        self.link = Link(self)
        self.fleet = self.link

    @property
    def role(self) -> Role:
        assert self.alerting is not None
        return self.alerting._runtime.worker._fleet.sender.role

    def kill(self) -> None:
        """SIGKILL: nothing is handed over."""
        assert self.alerting is not None
        self.alerting._runtime.pipeline.close()
        self.alerting._runtime.store.close()
        self.alive = False

    def leave(self) -> None:
        assert self.alerting is not None
        self.alerting.close()
        self.alive = False


class Link:
    """Fleet as a host sees it."""

    name = "shop"

    def __init__(self, host: Host) -> None:
        self._host = host

    @property
    def host(self) -> str:
        return self._host.host

    def hub(self) -> HubView | None:
        if self._host.cut:
            return None
        hub = self._host.hosts.hub
        store: SharedStore = CutOff() if self._host.hangs else hub.store
        return HubView(store, hub._state.epoch(hub._clock()), dict(hub.store.versions()))

    def look(self) -> None:
        """Each knows at once."""

    def spread(self, breaker: str) -> Spread | None:
        if self._host.cut or self._host.hangs:
            return None
        return self._host.hosts.spread(breaker)


class Hosts:
    """All hosts of a fleet, and the hub."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.time = ManualClock(START)
        self.hub = MemoryHub(self.time)
        self.emulator = emulator
        self.folder = folder
        self.all: list[Host] = []
        self.lost = 0
        """Processes that are silent, and rejected calls when they were last heard."""
        self.more = 0
        """Further processes, in which all is well."""

        self.nobody = False
        """True if no process has the breaker any more."""

    def add(self, name: str, *, ahead: float = 0.0, **options: Any) -> Host:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        host = Host(self, name, self.emulator, folder)
        host.wall.now = self.time.now + ahead
        host.start(**options)
        self.all.append(host)
        host.after()
        return host

    def replace(self, host: Host, **options: Any) -> Host:
        """Start another process on that host."""
        ahead = host.wall.now - self.time.now
        self.all.remove(host)
        return self.add(host.host, ahead=ahead, **options)

    def after(self, seconds: float = 0.0, *, rounds: int = 1) -> None:
        """Let time pass, and let each host do its rounds."""
        for _ in range(rounds):
            self.time.advance(seconds)
            for host in self.all:
                host.wall.advance(seconds)
                if host.alive:
                    host.after()

    def spread(self, breaker: str) -> Spread:
        if self.nobody:
            return Spread(processes=0, hosts=0, known=True)
        live = [each for each in self.all if each.alive and breaker in each.registry.names()]
        rejecting = [each for each in live if each.registry.get(breaker).state in REJECTING]
        return Spread(
            processes=len(live) + self.more,
            rejecting=len(rejecting),
            hosts=len(live) + self.more,
            rejecting_hosts=len(rejecting),
            where=f"process 1 on {rejecting[0].host}" if len(rejecting) == 1 else "",
            lost=self.lost,
            known=True,
        )

    def wipe(self) -> None:
        self.hub.wipe()

    @property
    def senders(self) -> list[str]:
        return [each.host for each in self.all if each.alive and each.role is Role.SENDER]

    @property
    def aliases(self) -> list[str]:
        return [each.alias for each in self.emulator.alerts()]


@pytest.fixture
def hosts(opsgenie_emulator: Emulator, tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(opsgenie_emulator, tmp_path)
    yield made
    for host in made.all:
        if host.alerting is not None and host.alive:
            host.alerting.close()
