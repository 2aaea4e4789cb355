"""Since when things have been bad, so that the time to detect it can be told.

Source: E. S. Page, "Continuous inspection schemes" (Biometrika 1954): the cumulative sum, whose
last zero is the estimate of when a change began.
"""

from typing import Final

_EPSILON: Final = 1e-9
"""What rounding may leave of a sum that is 0."""


class OutageTracker:
    """A run of calls among which more are bad than is tolerated.

    Each bad call adds to a sum, each good one takes away, so that it falls while no more than the
    tolerated share is bad. The spell began with the first bad call after the sum was last 0.

    Args:
        tolerated: share of bad calls that is nothing to speak of, above 0 and below 1.
        memory: good calls in a row after which any spell is over.
    """

    def __init__(self, tolerated: float, memory: int) -> None:
        self.since: float | None = None
        """Start of the first bad call of the present spell."""
        self._tolerated = tolerated
        self._max_sum = tolerated * memory
        self._sum = 0.0

    def record(self, start: float, *, bad: bool) -> None:
        """Takes in a call that ended."""
        if bad:
            if self.since is None:
                self.since = start
            self._sum = min(self._max_sum, self._sum + 1 - self._tolerated)
        elif self.since is not None:
            self._sum -= self._tolerated
            if self._sum < _EPSILON:
                self.reset()

    def reset(self) -> None:
        """Forgets it."""
        self.since = None
        self._sum = 0.0
