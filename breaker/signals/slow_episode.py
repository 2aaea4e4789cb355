"""Slow calls that overlap: one observation, until they last for longer than a passing standstill.

A dependency that stands still for half a second (a collection, a failover), or a burst of calls
that it works off, makes many calls slow together. They began before the first of them had ended, or
soon after, or take less and less time. In lasting trouble, slow calls go on beginning.
"""

from collections import deque
from math import inf
from typing import Final

from breakerd.breaker.signals.trend import TREND_SAMPLES, TrendKind, classify

_PATIENCE, _MAX_PATIENCE = 3.0, 1.5
"""Time for which slow calls must go on beginning after the first has ended: in thresholds, and at
most so many seconds."""
_AT_ONCE: Final = 0.001
"""Seconds within which calls end at once, as they do when a standstill ends."""
_MANY: Final = 3
"""Number of episodes in one window that are lasting trouble, however brief each is."""


class SlowEpisode:
    """The latest slow calls that overlap, or follow each other. Not thread-safe.

    Args:
        threshold: seconds above which a call is slow.
    """

    def __init__(self, threshold: float) -> None:
        self._patience = min(_MAX_PATIENCE, _PATIENCE * threshold)
        self._first_end = self._last_end = self._latest_start = -inf
        self._last = self._overlapped = -2
        """Number of the last slow call, and of the last that overlapped an earlier one."""
        self._begins: deque[int] = deque(maxlen=_MANY)
        """Numbers of the first calls of the latest episodes."""
        self._durations: deque[float] = deque(maxlen=TREND_SAMPLES)
        """Durations of the slow calls, oldest first."""
        self._later: deque[float] = deque(maxlen=TREND_SAMPLES)
        """Durations of those that began after the first one had ended."""

    def record(self, sequence: int, start: float, end: float) -> None:
        """Add a slow call with its number in the window, in order of their ends."""
        overlaps = start < self._last_end
        if overlaps:
            self._overlapped = sequence
        if overlaps or sequence == self._last + 1:
            if start >= self._first_end:
                self._later.append(end - start)
        else:
            self._first_end = end
            self._begins.append(sequence)
            self._durations.clear()
            self._later.clear()
        self._durations.append(end - start)
        self._last, self._last_end = sequence, max(self._last_end, end)
        self._latest_start = max(self._latest_start, start)

    def lasts(self, oldest: int) -> bool:
        """True unless the slow calls since number `oldest` came together and may pass together."""
        often = len(self._begins) == _MANY and self._begins[0] >= oldest
        if self._overlapped < oldest or often:
            return True
        if self._last_end - self._first_end < _AT_ONCE:
            # Those that waited for the same standstill waited for less, the later they began.
            return classify(self._durations, inf) is not TrendKind.FALLING
        if self._latest_start < self._first_end + self._patience:
            return False
        return classify(self._later, inf) is not TrendKind.FALLING
