"""Track when an outage began, to compute the time to detect it.

Source: E. S. Page, "Continuous inspection schemes" (Biometrika 1954): the cumulative sum, whose
last zero is the estimate of when a change began.
"""

from typing import Final

_EPSILON: Final = 1e-9
"""Rounding error of a sum that is 0."""


class OutageTracker:
    """Detect a run of calls in which more are bad than tolerated.

    Each bad call adds to a sum, each good one takes away, so that it falls while no more than the
    tolerated share is bad. The outage began with the first bad call after the sum was last 0.

    Args:
        tolerated: share of bad calls that is no outage, above 0 and below 1.
        memory: number of consecutive good calls that ends any outage.
    """

    def __init__(self, tolerated: float, memory: int) -> None:
        self.since: float | None = None
        """Start of the first bad call of the current outage; None if there is none."""
        self._tolerated = tolerated
        self._max_sum = tolerated * memory
        self._sum = 0.0

    def record(self, start: float, *, bad: bool) -> None:
        """Record a call that ended."""
        if bad:
            if self.since is None:
                self.since = start
            self._sum = min(self._max_sum, self._sum + 1 - self._tolerated)
        elif self.since is not None:
            self._sum -= self._tolerated
            if self._sum < _EPSILON:
                self.reset()

    def reset(self) -> None:
        """End the current outage."""
        self.since = None
        self._sum = 0.0
