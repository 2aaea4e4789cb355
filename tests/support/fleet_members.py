"""Members of a fleet within one process: each has breakers, a thread and files of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from breakerd import Breaker, Registry
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.hub.protocol import Hub, HubUnavailableError, MemberEntry, Progress
from breakerd.breaker.fleet.hub.store import SharedStore
from breakerd.breaker.fleet.messages import Act, PoolView, Register, Report, View
from breakerd.breaker.fleet.runtime.fleet import Fleet
from breakerd.breaker.fleet.runtime.modes_file import ModesFile
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.runtime.session import Session
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings

T = TypeVar("T")

LIMIT = 60.0
"""Seconds after which a wait has failed, on a busy machine too."""


class BreakableHub:
    """A hub that can be out of reach, or lose its answers."""

    def __init__(self) -> None:
        self.inner = MemoryHub()
        self.away = False
        self.loses: set[str] = set()
        """Operations that are done, and whose answers are lost."""
        self.closed = False

    @property
    def store(self) -> SharedStore:
        if self.away:
            raise HubUnavailableError("the network is cut")
        return self.inner.store

    def exchange(self, report: Report) -> View:
        return self._run("exchange", lambda: self.inner.exchange(report))

    def set_mode(self, register: Register) -> Register:
        return self._run("set_mode", lambda: self.inner.set_mode(register))

    def act(self, act: Act) -> Act:
        return self._run("act", lambda: self.inner.act(act))

    def progress(self, breaker: str, command: str) -> Progress:
        return self._run("progress", lambda: self.inner.progress(breaker, command))

    def members(self) -> tuple[MemberEntry, ...]:
        return self._run("members", self.inner.members)

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        return self._run("pool", lambda: self.inner.pool(name, scope))

    def close(self) -> None:
        self.closed = True

    def _run(self, name: str, operation: Callable[[], T]) -> T:
        if self.away:
            raise HubUnavailableError("the network is cut")
        answer = operation()
        if name in self.loses:
            raise HubUnavailableError("the answer is lost")
        return answer


class Member:
    """One member: a registry, and its membership on a thread.

    Args:
        hub: where it meets the others.
        folder: folder of its files.
        name: name of its host.
        registry: its breakers; None: it makes some.
        looks_on: True for a control plane.
        options: more keys of `[fleet]`.
    """

    def __init__(
        self,
        hub: Hub | None,
        folder: Path,
        name: str,
        registry: Registry | None = None,
        *,
        looks_on: bool = False,
        **options: Any,
    ) -> None:
        self.registry = registry or Registry(memory=lambda: 0.5)
        # A copy is not checked: an interval may be longer than any test lasts.
        self.settings = FleetSettings(hub="file", host=name).model_copy(update=options)
        self.modes = folder / f"{name}-modes.json"
        self.runtime = FleetRuntime(
            self.registry,
            self.settings,
            folder / f"{name}.db",
            self.modes,
            chance=lambda: 0.5,
            open_hub=lambda _settings, _database: hub,
            looks_on=looks_on,
        )
        self.registry.on_created = self.runtime.greet
        self.fleet = Fleet(self.runtime, self.registry.get)

    def start(self) -> Member:
        self.runtime.start()
        assert self.runtime.wait_joined(LIMIT)
        return self

    def meet(self) -> None:
        """Exchange once, and wait for that."""
        assert self.runtime.meet(LIMIT)

    def called(self, name: str = "payments") -> Breaker:
        """Return a breaker that was called, and that the hub knows of."""
        breaker = called(self.registry, name)
        if self.runtime.session is not None:
            self.meet()
        return breaker

    def close(self) -> None:
        self.runtime.close()
        self.registry.close()


def called(registry: Registry, name: str = "payments") -> Breaker:
    """Return a breaker after one call."""
    breaker = registry.get(name)
    breaker.allow()
    now = time.monotonic()
    breaker.done(now - 0.01, now)
    return breaker


def session(hub: Hub, registry: Registry, folder: Path, **options: Any) -> Session:
    """Return a membership without a thread: the test exchanges."""
    settings = FleetSettings(hub="file", host="a", **options)
    return Session(hub, settings, registry, ModesFile(folder / "modes.json"), 1)


def fleet_threads() -> list[threading.Thread]:
    """Return the threads of all members."""
    return [each for each in threading.enumerate() if each.name == "breakerd-fleet"]
