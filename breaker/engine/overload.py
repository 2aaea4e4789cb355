"""Report when the concurrency limit rejects calls."""

from functools import partial

from breakerd.breaker.engine.breaches import BreachTracker
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.events.events import Evidence, Signal


class OverloadMonitor:
    """Turns rejections by the limit into a breach of the signal `overload`."""

    def __init__(self, breaches: BreachTracker) -> None:
        self._breaches = breaches
        self._rejected_before = 0
        self._last_limit = 0.0
        """The last limit: what calls in flight are compared with once it is lifted."""

    def update(self, now: float, shedder: LoadShedder, traffic: CallCounts) -> None:
        """Compare with the last time; on each tick while calls pass."""
        if shedder.limiting:
            self._last_limit = shedder.limit
        gather = partial(_evidence, self._last_limit, traffic)
        if not shedder.overloaded:
            self._breaches.update(now, Signal.OVERLOAD, gather, breached=False)
        elif shedder.rejected > self._rejected_before:
            self._breaches.update(now, Signal.OVERLOAD, gather, breached=True)
        self._rejected_before = shedder.rejected


def _evidence(limit: float, traffic: CallCounts) -> Evidence:
    return Evidence(
        signal=Signal.OVERLOAD,
        value=float(traffic.in_flight),
        threshold=round(limit, 1),
        unit="calls",
    )
