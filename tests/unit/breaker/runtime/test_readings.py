"""The system is never read while a breaker's lock is held: a reading may take long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from breakerd import Breaker, LoadReading, LoadSettings, Settings, Slo
from breakerd.breaker.host.memory import MEMORY, MemoryReading
from breakerd.breaker.testing import ManualClock

SETTINGS = Settings(
    slo=Slo(success_rate=0.9, timeout=1, warmup=0),
    load=LoadSettings(cpu_pressure_threshold=50),
    memory_check_interval=1,
)


@dataclass
class Machine:
    """Memory and load that note whether the breaker's lock was held when they were read."""

    utilization: float = 0.1
    locked: list[bool] = field(default_factory=list)
    breaker: Breaker | None = None

    def memory(self) -> float:
        self._note()
        return self.utilization

    def load(self) -> LoadReading:
        self._note()
        return LoadReading(cpu_pressure=1.0)

    def _note(self) -> None:
        if self.breaker is not None:
            self.locked.append(self.breaker._core._locked_by_me())


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def breaker(machine: Machine, clock: ManualClock) -> Breaker:
    made = Breaker(SETTINGS, clock=clock, memory=machine.memory, load=machine.load)
    machine.breaker = made
    return made


def call(breaker: Breaker) -> None:
    if breaker.allow():
        breaker.done(breaker.clock() - 2, breaker.clock(), error=True)


COMMANDS: dict[str, Callable[[Breaker], object]] = {
    "tick": Breaker.tick,
    "call": call,
    "apply": lambda b: b.apply(SETTINGS.model_copy(update={"memory_threshold": 70.0})),
    "reset": Breaker.reset,
    "enable": Breaker.enable,
    "disable": Breaker.disable,
    "observe": Breaker.observe,
    "force_open": Breaker.force_open,
    "end_memory": lambda b: b.drills.end_memory(),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_read_without_the_lock(
    breaker: Breaker, machine: Machine, clock: ManualClock, name: str
) -> None:
    clock.advance(10)
    COMMANDS[name](breaker)
    assert machine.locked
    assert not any(machine.locked)


def test_so_it_is_where_memory_is_read_for_each_call(
    breaker: Breaker, machine: Machine, clock: ManualClock
) -> None:
    machine.utilization = 0.79  # near the threshold of 80 %
    clock.advance(10)
    breaker.tick()
    machine.locked.clear()
    for _ in range(10):
        call(breaker)
    assert len(machine.locked) >= 10
    assert not any(machine.locked)


def test_status_reads_memory_without_the_lock(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = Breaker(clock=clock)
    locked: list[bool] = []

    def read() -> MemoryReading:
        locked.append(breaker._core._locked_by_me())
        return MemoryReading(used=1, limit=-1, total=10)

    monkeypatch.setattr(MEMORY, "read", read)
    breaker.status()
    assert locked == [False]
