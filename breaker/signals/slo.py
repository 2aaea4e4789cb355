"""A stated service level: calls are rejected only where that helps.

A call fails the level if it reports an error or takes longer than the time-out. More failures than
the error budget allows are told (see `breaker.signals.burn`). Rejecting all calls because a tenth
of them fails would take from the nine that succeed; so they are rejected where next to nothing
succeeds.
"""

from typing import Final

from breaker.events import Evidence, Signal
from breaker.settings import Settings
from breaker.window import CallWindow

HOPELESS: Final = 0.9
"""Share of failed calls from which on rejecting costs next to nothing."""


class SloSignal:
    """Says whether a call fails the stated level, and whether going on is hopeless."""

    def __init__(self, settings: Settings) -> None:
        slo = settings.slo
        self.timeout = slo.timeout if slo else float("inf")
        """Seconds after which a call counts as failed."""
        self._budget = 1 - slo.success_rate if slo else 1.0
        self._stated = slo is not None
        self.minimum = min(settings.minimum_calls, settings.latency_window_size)

    def hopeless(self, window: CallWindow) -> bool:
        """Whether next to nothing succeeds. O(1)."""
        n = len(window)
        return self._stated and n >= self.minimum and window.failed >= HOPELESS * n

    def evidence(self, window: CallWindow) -> Evidence:
        """What the window shows now."""
        n = len(window)
        return Evidence(
            signal=Signal.SLO,
            value=round(window.failed / n, 6) if n else 0.0,
            threshold=round(self._budget, 6),
            unit="fraction",
            samples=n,
            detail={"failed_calls": window.failed, "timeout_s": self.timeout},
        )
