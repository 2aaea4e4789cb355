"""How fast the error budget burns, over two windows.

A burn rate of 1 uses up exactly the failures that the service level allows. The long window (5 min)
says that it matters, the short one (10 s) that it still goes on; so the verdict neither hangs on a
few calls nor outlives the trouble. Source: B. Beyer and others, "The Site Reliability Workbook"
(2018), chapter 5, multiwindow burn-rate alerts.
"""

from math import sqrt
from typing import Final

from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

_LEAST_CALLS: Final = 10
_LEAST_LATE_CALLS: Final = 3
"""With fewer in the short window, the long one decides alone."""
_UNLIKELY: Final = 3.0
"""A normal deviate that chance exceeds upwards in one look of 740."""


class BurnSignal:
    """Says whether the stated level is being missed. Fed on the tick, never by a call."""

    def __init__(self, settings: Settings) -> None:
        self._slo = settings.slo
        self._budget = 1 - settings.slo.success_rate if settings.slo else 1.0

    def rate(self, baseline: Baseline, scale: Scale) -> float:
        """How many times faster than allowed the budget burns."""
        return baseline.series(Quantity.ERRORS, scale).moments.mean / self._budget

    def breached(self, baseline: Baseline) -> bool:
        """Whether both windows burn faster than allowed, and the long one more than by chance."""
        long = baseline.series(Quantity.ERRORS, Scale.MINUTES).moments
        if self._slo is None or long.weight < _LEAST_CALLS:
            return False
        if long.age > Scale.MINUTES.value:
            # Hardly a call for minutes: what was then says nothing of now.
            return False
        chance = _UNLIKELY * sqrt(self._budget * (1 - self._budget) / long.weight)
        return long.mean > self._budget + chance and self._goes_on(baseline)

    def _goes_on(self, baseline: Baseline) -> bool:
        short = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments
        return short.weight < _LEAST_LATE_CALLS or short.mean > self._budget

    def evidence(self, baseline: Baseline) -> Evidence:
        """What the long window shows now."""
        long = baseline.series(Quantity.ERRORS, Scale.MINUTES).moments
        return Evidence(
            signal=Signal.SLO,
            value=round(long.mean, 6),
            threshold=round(self._budget, 6),
            unit="fraction",
            samples=round(long.weight),
            detail={
                "timeout_s": self._slo.timeout if self._slo else 0.0,
                "burn_rate_5min": round(self.rate(baseline, Scale.MINUTES), 3),
                "burn_rate_10s": round(self.rate(baseline, Scale.SECONDS), 3),
            },
        )
