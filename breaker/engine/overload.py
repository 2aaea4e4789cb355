"""Report when the concurrency limit rejects calls."""

from breakerd.breaker.engine.breaches import BreachTracker
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.events.events import Evidence, Signal


class OverloadMonitor:
    """Turns rejections by the limit into a breach of the signal `overload`."""

    def __init__(self, breaches: BreachTracker) -> None:
        self._breaches = breaches
        self._rejected_before = 0

    def update(self, now: float, shedder: LoadShedder, traffic: CallCounts) -> None:
        """Compare with the last time; on each tick while calls pass."""
        if shedder.limiter is None:
            return
        if not shedder.overloaded:
            self._breaches.update(now, Signal.OVERLOAD, None)
        elif shedder.rejected > self._rejected_before:
            self._breaches.update(now, Signal.OVERLOAD, _evidence(shedder.limit, traffic))
        self._rejected_before = shedder.rejected


def _evidence(limit: float, traffic: CallCounts) -> Evidence:
    return Evidence(
        signal=Signal.OVERLOAD,
        value=float(traffic.in_flight),
        threshold=round(limit, 1),
        unit="calls",
    )
