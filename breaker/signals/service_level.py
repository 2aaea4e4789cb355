"""Service-level signal: calls are rejected only if that helps.

A call fails the service level if it reports an error or exceeds the time-out. More failures than
the error budget allows are reported (see `breakerd.breaker.signals.burn_rate`). Rejecting all calls
because one in ten fails would lose the nine that succeed, so calls are rejected only if almost all
of them fail.
"""

from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.settings import Settings


class SloSignal:
    """Time-out of the stated service level, and the evidence of a failure streak."""

    def __init__(self, settings: Settings) -> None:
        slo = settings.slo
        self.timeout = slo.timeout if slo else float("inf")
        """Seconds after which a call counts as failed."""
        self._budget = 1 - slo.success_rate if slo else 1.0

    def streak_evidence(self, failures: int) -> Evidence:
        """Return the evidence of so many consecutive calls that failed or hang."""
        return Evidence(
            signal=Signal.SLO,
            value=1.0,
            threshold=round(self._budget, 6),
            unit="fraction",
            samples=failures,
            detail={"failed_calls": failures, "timeout_s": self.timeout},
        )
