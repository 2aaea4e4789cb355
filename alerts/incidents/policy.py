"""Policy: which conditions of a breaker open an incident, and how it is delivered. Pure."""

from typing import Final, Protocol

from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.settings.alerting import AlertingSettings, AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings

OPEN: Final = "open"
MEMORY: Final = "memory"
LATENCY: Final = "latency"
DEGRADED: Final = "degraded"
"""The service level is missed, calls are not as usual, or the load is high. Rejects no call."""

LABELS: Final = {
    OPEN: "open",
    MEMORY: "memory high",
    LATENCY: "slow",
    DEGRADED: "degraded",
}
"""Name of each kind in an alert."""
_SEVERITY: Final = {DEGRADED: 0, LATENCY: 1, MEMORY: 2, OPEN: 3}


class BreakerHealth(Protocol):
    """Conditions of a breaker that can open an incident."""

    @property
    def triggered(self) -> bool:
        """True if calls are rejected."""
        ...

    @property
    def enabled(self) -> bool:
        """True if the breaker makes decisions."""
        ...

    @property
    def memory_ok(self) -> bool:
        """True if memory is below its threshold."""
        ...

    @property
    def latency_ok(self) -> bool:
        """True if latency is below its threshold."""
        ...

    @property
    def healthy(self) -> bool:
        """True if the service level is met, and calls are as usual."""
        ...


def alert_kinds(breaker: BreakerHealth, settings: OpsGenieSettings) -> tuple[str, ...]:
    """Return the kinds of alert that the breaker is worth now, the most severe first.

    They make one incident: a breaker that opens because latency crossed its threshold has one
    problem, not two.
    """
    if not breaker.enabled:
        return ()
    found = []
    if settings.trigger_on_breaker_open and breaker.triggered:
        found.append(OPEN)
    if settings.trigger_on_memory_threshold and not breaker.memory_ok:
        found.append(MEMORY)
    if settings.trigger_on_latency_threshold and not breaker.latency_ok:
        found.append(LATENCY)
    if settings.trigger_on_degraded and not breaker.healthy:
        found.append(DEGRADED)
    return tuple(found)


def supersedes(kind: str, other: str) -> bool:
    """Return True if an incident of kind `other` becomes one of `kind`."""
    return kind != other and (kind == OPEN or other == DEGRADED)


def severity(kind: str) -> int:
    """Return the severity of a kind; "open" has the highest."""
    return _SEVERITY[kind]


def stages(settings: AlertingSettings, kind: str = OPEN) -> tuple[Stage, ...]:
    """Return the stages of an incident of that kind that opens now."""
    opsgenie = settings.opsgenie
    if kind == DEGRADED:
        return (Stage(0.0, opsgenie.degraded_priority),)
    own = settings.alerts.stages
    return tuple(Stage(s.after, s.priority, s.responders) for s in own) or _two_stages(opsgenie)


def _two_stages(settings: OpsGenieSettings) -> tuple[Stage, ...]:
    """Return the stages that go-breaker's settings describe."""
    if not settings.time_before_send_alert:
        return (Stage(0.0, settings.effective_priority),)
    return (
        Stage(0.0, settings.initial_alert_priority),
        Stage(float(settings.time_before_send_alert), settings.escalated_alert_priority),
    )


def rules(opsgenie: OpsGenieSettings, alerts: AlertsSettings) -> Rules:
    """Return the rules of notification of an incident that opens now."""
    reopens = alerts.on_manual_close == "reopen"
    return Rules(
        auto_close=opsgenie.trigger_on_breaker_reset,
        notify_missed=alerts.on_missed_incident == "notify",
        reopen_after=alerts.reopen_after if reopens else None,
        remind_after=alerts.remind_after,
    )
