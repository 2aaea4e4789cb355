"""Report when the concurrency limit rejects calls, and how many."""

from math import exp
from typing import Final

from breakerd.breaker.engine.breaches import BreachTracker
from breakerd.breaker.engine.load_shedder import CallCounts, LoadShedder
from breakerd.breaker.events.events import Evidence, Signal

_SPAN: Final = 10.0
"""Seconds over which the share of rejected calls decays."""
_FEW: Final = 0.5
"""Decayed number of calls below which their share says nothing."""
_CAPPED_SHARE: Final = 0.01
"""Share of calls rejected by `max_limit` alone that is overload; half of it ends that, as do ten
seconds without any."""
_CAPPED_CALLS: Final = 5
"""Number of such calls, none ten seconds after another, from which on it is."""


class OverloadMonitor:
    """Turns rejections by the limit into a breach of the signal `overload`.

    Attributes:
        capped: True while `max_limit` alone rejects calls, although they are as fast as usual.
    """

    def __init__(self, breaches: BreachTracker) -> None:
        self.capped = False
        self._breaches = breaches
        self._counts = CallCounts(0, 0)
        self._rejected = 0
        self._rejected_at = float("-inf")
        self._row = 0
        """Calls rejected since the last ten seconds without any."""
        self._updated_at: float | None = None
        self._offered = self._turned_away = 0.0
        """Calls of the last seconds, and those of them that the limit rejected; decayed."""
        self._limit = 0.0
        """The last limit: what calls in flight are compared with once it is lifted."""

    @property
    def shed_share(self) -> float | None:
        """Share of calls that the limit rejected over about 10 s; None without calls."""
        return min(1.0, self._turned_away / self._offered) if self._offered >= _FEW else None

    @property
    def wanted(self) -> float:
        """Number of calls that would be in flight without the limit.

        By Little's law, as many more as more are offered than admitted.
        """
        in_flight, kept = self._counts.in_flight, 1 - (self.shed_share or 0.0)
        admitted = min(in_flight, self._limit) if self._limit else in_flight
        return max(in_flight, admitted / max(kept, 0.001))

    def update(self, now: float, shedder: LoadShedder, counts: CallCounts) -> None:
        """Compare with the last time; on each tick while calls pass."""
        if shedder.limiting:
            self._limit = shedder.limit
        rejected = shedder.rejected - self._rejected
        self._count(now, counts.admitted - self._counts.admitted, max(0, rejected))
        self._rejected, self._counts = shedder.rejected, counts
        if rejected > 0:
            self._row = rejected + (self._row if now - self._rejected_at < _SPAN else 0)
            self._rejected_at = now
        self.capped = shedder.capped and self._rejects_many(now)
        if not (shedder.overloaded or self.capped):
            self._breaches.update(now, Signal.OVERLOAD, self.evidence, breached=False)
        elif rejected > 0:
            self._breaches.update(now, Signal.OVERLOAD, self.evidence, breached=True)

    def evidence(self) -> Evidence:
        """Return what the limit does to the calls now."""
        return Evidence(
            signal=Signal.OVERLOAD,
            value=float(self._counts.in_flight),
            threshold=round(self._limit, 1),
            unit="calls",
            detail={
                "shed_share": round(self.shed_share or 0.0, 6),
                "wanted": round(self.wanted, 1),
            },
        )

    def _rejects_many(self, now: float) -> bool:
        share, recent = self.shed_share or 0.0, now - self._rejected_at < _SPAN
        if self.capped:
            return share >= _CAPPED_SHARE / 2 and recent
        return recent and share >= _CAPPED_SHARE and self._row >= _CAPPED_CALLS

    def _count(self, now: float, admitted: int, rejected: int) -> None:
        kept = 1.0 if self._updated_at is None else exp((self._updated_at - now) / _SPAN)
        self._updated_at = now
        self._offered = self._offered * kept + admitted + rejected
        self._turned_away = self._turned_away * kept + rejected
