"""Read memory and load of the machine for one breaker."""

import math
from collections.abc import Callable
from typing import NamedTuple

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.host.load import LOAD, LoadReading
from breakerd.breaker.host.loop_lag import EventLoopLag
from breakerd.breaker.host.memory import MEMORY, MemoryReading
from breakerd.breaker.signals.load import LoadSignal


class Reading(NamedTuple):
    """Readings of one moment."""

    memory: float | None
    """Used share of the memory limit, from 0; None if unknown."""
    load: LoadReading | None
    """Load of the machine; None where it is not watched."""
    lag: float | None
    """Lag of the watched event loop in seconds; None where none is watched."""


class Readings:
    """Read the system on a timer. The breaker's lock must not be held: a reading may take long.

    Args:
        memory: returns the used share of the memory limit; None to read the control group.
        load: returns the machine's load; None to read it where `clock` is the real one.
        clock: clock of the breaker.
    """

    __slots__ = ("_clock", "_load", "_memory", "loop_lag", "next_due")

    def __init__(
        self,
        memory: Callable[[], float | None] | None,
        load: Callable[[], LoadReading] | None,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._load = load or (LOAD.read if CLOCK.stands_for(clock) else LoadReading)
        self._clock = clock
        self.loop_lag = EventLoopLag()
        self.next_due = -math.inf
        """Time of the next reading, by the breaker's clock."""

    def take(self, *, load: bool) -> Reading:
        """Read now; the load only if asked for."""
        return Reading(
            memory=self._memory_share(),
            load=self._load() if load else None,
            lag=self.loop_lag.seconds if load else None,
        )

    def take_if_due(self, *, load: bool) -> Reading | None:
        """Read if the time has come; else return None."""
        return self.take(load=load) if self._clock() >= self.next_due else None

    def memory_reading(self) -> MemoryReading | None:
        """Return memory use and limit in bytes; None if unknown, or if `memory` was given."""
        return MEMORY.read() if self._memory is None else None

    def after_fork(self) -> None:
        """Replace locks that a thread of the parent may have held."""
        self.loop_lag.after_fork()

    def _memory_share(self) -> float | None:
        if self._memory is not None:
            return self._memory()
        reading = MEMORY.read()
        return reading.utilization if reading else None


def log_unavailable(reading: Reading | None, watched: LoadSignal) -> None:
    """Log once which watched load is unknown; the breaker's lock must not be held."""
    if reading is not None and reading.load is not None:
        LOAD.log_unavailable(watched.unavailable)
