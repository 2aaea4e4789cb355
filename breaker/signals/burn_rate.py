"""Burn rate of the error budget over two windows.

A burn rate of 1 uses exactly the failures that the service level allows. The long window (5 min)
shows that the burn is significant, the short one (10 s) that it continues. The verdict therefore
neither depends on a few calls nor outlasts the degradation.

Source: B. Beyer and others, "The Site Reliability Workbook" (2018), chapter 5, multiwindow
burn-rate alerts.
"""

from functools import partial
from math import sqrt
from typing import Final

from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

_MIN_CALLS: Final = 10
"""Minimum decayed number of calls in the long window."""
_MIN_RECENT_CALLS: Final = 3
"""Minimum decayed number of calls in the short window; with fewer, the long one decides alone."""
_SIGNIFICANT_Z_SCORE: Final = 3.0
"""Standard normal deviate that chance exceeds in one of 740 evaluations."""


class BurnRateSignal:
    """Detects that the stated service level is missed. Updated on the tick, never by a call."""

    def __init__(self, settings: Settings) -> None:
        self._slo = settings.slo
        self._budget = 1 - settings.slo.success_rate if settings.slo else 1.0

    @property
    def budget(self) -> float:
        """Share of calls that the service level allows to fail or time out."""
        return self._budget

    def failing_share(self, baseline: Baseline, scale: Scale) -> float:
        """Return the share of calls that failed or timed out."""
        return baseline.series(Quantity.ERRORS, scale).moments.mean

    def burn_rate(self, baseline: Baseline, scale: Scale) -> float:
        """Return the burn rate: failures as a multiple of the budget."""
        return self.failing_share(baseline, scale) / self._budget

    def breached(self, baseline: Baseline) -> bool:
        """True if both windows burn faster than allowed, the long one significantly."""
        long = baseline.series(Quantity.ERRORS, Scale.MINUTES).moments
        if self._slo is None or long.weight < _MIN_CALLS:
            return False
        if long.age > Scale.MINUTES.value:
            # With hardly a call for minutes, the window says nothing about now.
            return False
        chance = _SIGNIFICANT_Z_SCORE * sqrt(self._budget * (1 - self._budget) / long.weight)
        return long.mean > self._budget + chance and self._still_burning(baseline)

    def evidence_within_budget(self, baseline: Baseline) -> Evidence:
        """Return the evidence of the window that burns less: it shows why the signal cleared."""
        scales = (Scale.SECONDS, Scale.MINUTES)
        return self.evidence(baseline, min(scales, key=partial(self.burn_rate, baseline)))

    def _still_burning(self, baseline: Baseline) -> bool:
        short = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments
        return short.weight < _MIN_RECENT_CALLS or short.mean > self._budget

    def evidence(self, baseline: Baseline, scale: Scale | None = None) -> Evidence:
        """Return the evidence of one window; by default of now: the short one's, if it can tell."""
        if scale is None:
            recent = baseline.series(Quantity.ERRORS, Scale.SECONDS).moments
            scale = Scale.SECONDS if recent.weight >= _MIN_RECENT_CALLS else Scale.MINUTES
        window = baseline.series(Quantity.ERRORS, scale).moments
        return Evidence(
            signal=Signal.SLO,
            value=round(window.mean, 6),
            threshold=round(self._budget, 6),
            unit="fraction",
            samples=round(window.weight),
            detail={
                "timeout_s": self._slo.timeout if self._slo else 0.0,
                "burn_rate_5min": round(self.burn_rate(baseline, Scale.MINUTES), 3),
                "burn_rate_10s": round(self.burn_rate(baseline, Scale.SECONDS), 3),
                "seconds": round(scale.value),
            },
        )
