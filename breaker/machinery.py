"""Machinery of one breaker: what decides, on one clock."""

from collections.abc import Callable
from typing import NamedTuple

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.events.listeners import Listeners
from breakerd.breaker.host.load import LoadReading
from breakerd.breaker.runtime.controller import Controller
from breakerd.breaker.runtime.gate import Gate
from breakerd.breaker.runtime.readings import Readings
from breakerd.breaker.settings import Settings


class Machinery(NamedTuple):
    """Parts of a breaker that hold its state and its clock. A breaker can be given others."""

    gate: Gate
    core: Controller
    clock: Callable[[], float]


def assemble(
    name: str,
    settings: Settings,
    listeners: Listeners,
    *,
    clock: Callable[[], float],
    jitter: Callable[[], float],
    memory: Callable[[], float | None] | None,
    load: Callable[[], LoadReading] | None,
    externally_ticked: bool,
) -> Machinery:
    """Return machinery in its first state; see `Breaker` for the arguments."""
    gate = Gate()
    engine = Engine(name, settings, listeners.emit, clock(), jitter)
    core = Controller(gate, engine, Readings(memory, load, clock), listeners, clock)
    core.externally_ticked = externally_ticked
    return Machinery(gate, core, clock)
