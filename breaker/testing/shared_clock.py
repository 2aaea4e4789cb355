"""The clock of a test: one for all breakers, which ticks them as time passes."""

import math
import threading
from collections.abc import Callable, Iterable
from typing import Final

from breakerd.breaker.testing.doubles import ManualClock

_RESOLUTION: Final = 1e-6
"""Seconds within which something due counts as reached, so that sums of decimals get there."""
_SHORTEST_STEP: Final = 1e-9


class SharedClock(ManualClock):
    """A manual clock whose `advance` stops wherever something is due.

    So whatever is due happens at its own time and in its order, however far the clock is advanced.
    Thread-safe.

    Args:
        ticks: returns what to call at each stop; each returns seconds until it is due again.
    """

    def __init__(self, ticks: Callable[[], Iterable[Callable[[], float]]]) -> None:
        super().__init__()
        self._ticks = ticks
        # Re-entrant: a listener may let time pass, too.
        self._advancing = threading.RLock()

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due meanwhile.

        Raises:
            ValueError: `seconds` is negative, or not a finite number.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"cannot advance by {seconds!r}: give seconds from 0")
        with self._advancing:
            end = self.now + seconds
            while (due := self.now + self._tick()) <= end + _RESOLUTION:
                self.now = due
            self.now = max(self.now, end)

    def _tick(self) -> float:
        """Tick all; return seconds until the next one is due, above 0."""
        return max(_SHORTEST_STEP, min((tick() for tick in self._ticks()), default=math.inf))
