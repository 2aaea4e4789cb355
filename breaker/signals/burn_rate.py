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

_MIN_CALLS: Final = 10
_MIN_RECENT_CALLS: Final = 3
"""With fewer in the short window, the long one decides alone."""
_SIGNIFICANT_Z_SCORE: Final = 3.0
"""A normal deviate that chance exceeds upwards in one look of 740."""


class BurnRateSignal:
    """Says whether the stated level is being missed. Fed on the tick, never by a call."""

    def __init__(self, settings: Settings) -> None:
        self._slo = settings.slo
        self._budget = 1 - settings.slo.success_rate if settings.slo else 1.0

    def burn_rate(self, baseline: Baseline, scale: Scale) -> float:
        """How many times faster than allowed the budget burns."""
        return baseline.series(Quantity.ERRORS, scale).moments.mean / self._budget

    def breached(self, baseline: Baseline) -> bool:
        """Whether both windows burn faster than allowed, and the long one more than by chance."""
        long = baseline.series(Quantity.ERRORS, Scale.MINUTES).moments
        if self._slo is None or long.weight < _MIN_CALLS:
            return False
        if long.age > Scale.MINUTES.value:
            # Hardly a call for minutes: what was then says nothing of now.
            return False
        chance = _SIGNIFICANT_Z_SCORE * sqrt(self._budget * (1 - self._budget) / long.weight)
        return long.mean > self._budget + chance and self._still_burning(baseline)

    def _still_burning(self, baseline: Baseline) -> bool:
        short = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments
        return short.weight < _MIN_RECENT_CALLS or short.mean > self._budget

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
                "burn_rate_5min": round(self.burn_rate(baseline, Scale.MINUTES), 3),
                "burn_rate_10s": round(self.burn_rate(baseline, Scale.SECONDS), 3),
            },
        )
