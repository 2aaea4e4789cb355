"""Calls that were abandoned before they were slow: they show nothing, and are not waited for."""

from bisect import bisect_right, insort
from typing import Final

_MAX_STARTS: Final = 10_000
"""Maximum number of start times kept."""


class WithdrawnCalls:
    """Start times of the withdrawn calls, in bounded memory. Not thread-safe.

    Args:
        span: seconds for which a start time is kept; older ones are only counted.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._starts: list[float] = []
        self._older = 0

    def add(self, now: float, start: float) -> None:
        """Add a call that began at `start`."""
        insort(self._starts, start)
        expired = bisect_right(self._starts, now - self._span)
        # Not one by one, which would move the rest each time.
        if expired > len(self._starts) // 2 or len(self._starts) > _MAX_STARTS:
            dropped = max(expired, len(self._starts) // 2)
            self._older += dropped
            del self._starts[:dropped]

    def started_by(self, moment: float) -> int:
        """Return the number of calls that began by `moment`."""
        return self._older + bisect_right(self._starts, moment)

    def started_after(self, moment: float) -> int:
        """Return the number of calls that began after `moment`."""
        return len(self._starts) - bisect_right(self._starts, moment)
