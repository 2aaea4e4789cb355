"""Severity of a degraded breaker: how urgently people need to know. Pure.

The burn rates are those of chapter 5 of Google's SRE Workbook: 14.4 uses 2 % of a month's error
budget in an hour, 6 uses 5 % in six hours. As there, the long and the short window must both exceed
a rate.
"""

from typing import Final

from breakerd.alerts.model.content import Spread
from breakerd.alerts.model.incident_parts.member import ELEVATED, LOW, PAGE, outranks
from breakerd.breaker.runtime.status_types import Status

_PAGE_RATE: Final = 14.4
"""Burn rate from which on people are paged as for an open breaker."""
_ELEVATED_RATE: Final = 6.0
"""Burn rate from which on the priority is one lower than that."""
_PAGE_SHARE: Final = 0.1
"""Share of calls that the limiter turns away from which on people are paged, 0 to 1."""
_FEW: Final = 0.1
"""Share of the processes up to which trouble only informs."""
_MANY: Final = 0.25
"""Share of the processes from which on people are paged."""
_HYSTERESIS: Final = 0.8
"""Factor below which a figure must fall for the severity to fall."""


def degraded_severity(status: Status, before: str = LOW) -> str:
    """Return the severity of a breaker that is degraded and not open.

    Args:
        status: the breaker's status.
        before: severity so far: it falls only if the figures are clearly below its limit.
    """
    found = _severity(status, 1.0)
    if not outranks(before, found):
        return found
    kept = _severity(status, _HYSTERESIS)
    return before if outranks(kept, before) else kept


def softened(severity: str, troubled: int, spread: Spread, before: str = LOW) -> str:
    """Return the severity of trouble that only some of the processes have.

    Args:
        severity: severity of the trouble in them.
        troubled: number of processes that are known to have it.
        spread: all processes that have the breaker.
        before: severity so far: it does not fall because trouble ends in some of them.
    """
    share = max(troubled, spread.rejecting) / max(1, spread.processes)
    highest = PAGE if share >= _MANY else ELEVATED if share > _FEW else LOW
    found = severity if outranks(highest, severity) else highest
    return before if outranks(before, found) and not outranks(before, severity) else found


def _severity(status: Status, factor: float) -> str:
    """Return the severity by limits that are multiplied by `factor`."""
    rate, share = _burn_rate(status), _shed_share(status)
    if rate >= _PAGE_RATE * factor or share >= _PAGE_SHARE * factor:
        return PAGE
    return ELEVATED if rate >= _ELEVATED_RATE * factor else LOW


def _burn_rate(status: Status) -> float:
    """Return the burn rate that both windows exceed; 0 if the service level is met."""
    slo = status["slo"]
    return min(slo["burn_rate_10s"], slo["burn_rate_5min"]) if slo and slo["missed"] else 0.0


def _shed_share(status: Status) -> float:
    """Return the share of calls that the limiter turns away, 0 to 1; 0 if unknown."""
    limiter = status["limiter"]
    return limiter.get("shed_share") or 0.0 if limiter and limiter["shedding"] else 0.0
