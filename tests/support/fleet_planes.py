"""Several processes of a fleet in one: objects on one hub in memory, each with an admin plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from breakerd import Registry, Settings
from breakerd.api.app import app_of
from breakerd.api.http.admin import AdminContext
from breakerd.breaker.fleet.host_counters.host_counters import HostCounters
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError, MemberEntry
from breakerd.breaker.fleet.local_window import SKETCH
from breakerd.breaker.fleet.messages import PoolView, Report, Totals, View
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.views.views import FleetViews
from tests.support.admin_client import Client
from tests.support.fleet_reports import MadeMember

LIMIT: Final = 60.0
"""Seconds that a test waits for an exchange."""
SETTINGS: Final = Settings(latency_threshold=500, percentile=0.5, memory_threshold=99)


class WatchedHub(MemoryHub):
    """A hub that counts the reads, and can be away. Its time stands still unless a test lets it."""

    def __init__(self) -> None:
        self.reads = 0
        self.away = False
        self.now = 5000.5
        super().__init__(lambda: self.now)

    def exchange(self, report: Report) -> View:
        self._check()
        return super().exchange(report)

    def members(self) -> tuple[MemberEntry, ...]:
        self.reads += 1
        self._check()
        return super().members()

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        self.reads += 1
        self._check()
        return super().pool(name, scope)

    def _check(self) -> None:
        if self.away:
            raise HubUnavailableError("the hub is away")


class Time:
    """Time of the views: what they know is as fresh as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Plane:
    """One process."""

    registry: Registry
    runtime: FleetRuntime
    views: FleetViews
    client: Client
    close_counters: Callable[[], None]

    def meet(self) -> None:
        """Exchange with the hub twice: the first view brings what the second report tells."""
        for _ in range(2):
            assert self.runtime.meet(LIMIT)


@dataclass
class Planes:
    """The processes, and their hub."""

    hub: WatchedHub
    time: Time
    folder: Path
    stack: ExitStack

    def add(self, host: str = "one", *, hub: str = "file", looks_on: bool = False) -> Plane:
        """Start a process."""
        registry = Registry(SETTINGS)
        folder = Path(mkdtemp(dir=self.folder))
        # Its own looks at the hub are far apart: the test says when it meets the others.
        settings = FleetSettings(hub=hub, host=host).model_copy(update={"interval": 10})
        runtime = FleetRuntime(
            registry,
            settings,
            folder / "breakerd.db",
            folder / "modes.json",
            open_hub=lambda *_: self.hub,
            looks_on=looks_on,
        )
        counters = HostCounters(registry, self.folder / host)
        if hub != "none":
            counters.start()
        self.stack.callback(counters.close)
        views = FleetViews(runtime, counters.read, self.time)
        admin = AdminContext(registry, fleet=Fleet(runtime, registry.get), views=views)
        runtime.start()
        self.stack.callback(runtime.close)
        plane = Plane(registry, runtime, views, Client(app_of(admin)), counters.close)
        if hub != "none":
            plane.meet()
        return plane

    def tell(
        self, member: MadeMember, state: str = "closed", *, slow: int = 0, **more: int
    ) -> None:
        """Have a process that is made up report its breaker and the totals of its window."""
        (made,) = member.report(state=state, totals=Totals(**more)).breakers
        counts = (SKETCH.index(0.1), more.get("calls", 0) - slow, *([0] * 4), slow)
        report = member.report()._replace(breakers=(made._replace(sketch=counts),))
        self.hub.exchange(report)


@contextmanager
def planes(folder: Path) -> Iterator[Planes]:
    """Run processes until the end of the block."""
    with ExitStack() as stack:
        yield Planes(WatchedHub(), Time(), folder, stack)
