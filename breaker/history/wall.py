"""Unix time of a breaker's own clock."""

import time
from collections.abc import Callable

from breakerd.breaker.clock import CLOCK


class WallClock:
    """Tells the Unix time that belongs to a time of the breaker's clock.

    On the real clock that is the host's time, also after it was set. An injected clock goes on from
    the time at which the breaker was made, so that simulated hours are hours in the history.

    Args:
        clock: the breaker's clock.
        now: its time.
    """

    __slots__ = ("_offset",)

    def __init__(self, clock: Callable[[], float], now: float) -> None:
        self._offset = None if CLOCK.stands_for(clock) else time.time() - now

    def unix(self, now: float) -> float:
        """Return the Unix time in seconds; `now` is the present time of the breaker's clock."""
        return time.time() if self._offset is None else now + self._offset
