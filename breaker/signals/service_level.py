"""A stated service level: calls are rejected only where that helps.

A call fails the level if it reports an error or takes longer than the time-out. More failures than
the error budget allows are told (see `breaker.signals.burn`). Rejecting all calls because a tenth
of them fails would take from the nine that succeed; so they are rejected where next to nothing
succeeds.
"""

from typing import Final

from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings

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
        self.min_calls = min(settings.minimum_calls, settings.latency_window_size)

    def streak_evidence(self, failures: int) -> Evidence:
        """What it means that so many calls in a row failed, or hang."""
        return Evidence(
            signal=Signal.SLO,
            value=1.0,
            threshold=round(self._budget, 6),
            unit="fraction",
            samples=failures,
            detail={"failed_calls": failures, "timeout_s": self.timeout},
        )
