"""What is worth an incident, and when it may be told. Pure."""

from typing import Final, Protocol

from breakerd.alerts.model.delivery import Stage
from breakerd.alerts.model.incident import Rules
from breakerd.alerts.settings.alerting import AlertingSettings, AlertsSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings

OPEN: Final = "open"
MEMORY: Final = "memory"
LATENCY: Final = "latency"
TROUBLE: Final = "degraded"
"""The service level is missed, calls are not as usual, or the load is high; rejects nothing."""

WORDS: Final = {
    OPEN: "open",
    MEMORY: "memory high",
    LATENCY: "slow",
    TROUBLE: "degraded",
}
"""What each kind is called in an alert."""
_WEIGHTS: Final = {TROUBLE: 0, LATENCY: 1, MEMORY: 2, OPEN: 3}


class Watched(Protocol):
    """What is looked at of a breaker."""

    @property
    def triggered(self) -> bool:
        """Whether calls are rejected."""
        ...

    @property
    def enabled(self) -> bool:
        """Whether it decides."""
        ...

    @property
    def memory_ok(self) -> bool:
        """Whether memory is below its threshold."""
        ...

    @property
    def latency_ok(self) -> bool:
        """Whether latency is below its threshold."""
        ...

    @property
    def service_ok(self) -> bool:
        """Whether the stated service level is kept, and calls are as usual."""
        ...


def causes(breaker: Watched, settings: OpsGenieSettings) -> tuple[str, ...]:
    """What about `breaker` is worth an incident now, the weightiest first.

    They make one incident together: a breaker that opens because latency crossed its threshold is
    one trouble, not two.
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
    if settings.trigger_on_degraded and not breaker.service_ok:
        found.append(TROUBLE)
    return tuple(found)


def outweighs(kind: str, other: str) -> bool:
    """Whether an incident of `other` becomes one of `kind`."""
    return kind != other and (kind == OPEN or other == TROUBLE)


def weight(kind: str) -> int:
    """How much a kind weighs: "open" the most."""
    return _WEIGHTS[kind]


def stages(settings: AlertingSettings, kind: str = OPEN) -> tuple[Stage, ...]:
    """The stages of an incident of that kind that opens now."""
    opsgenie = settings.opsgenie
    if kind == TROUBLE:
        return (Stage(0.0, opsgenie.degraded_priority),)
    own = settings.alerts.stages
    return tuple(Stage(s.after, s.priority, s.responders) for s in own) or _two_stages(opsgenie)


def _two_stages(settings: OpsGenieSettings) -> tuple[Stage, ...]:
    """go-breaker's."""
    if not settings.time_before_send_alert:
        return (Stage(0.0, settings.effective_priority),)
    return (
        Stage(0.0, settings.initial_alert_priority),
        Stage(float(settings.time_before_send_alert), settings.escalated_alert_priority),
    )


def rules(opsgenie: OpsGenieSettings, alerts: AlertsSettings) -> Rules:
    """How an incident that opens now is told."""
    reopens = alerts.on_manual_close == "reopen"
    return Rules(
        closes=opsgenie.trigger_on_breaker_reset,
        tells_missed=alerts.on_missed_incident == "notify",
        reopen_after=alerts.reopen_after if reopens else None,
        remind_after=alerts.remind_after,
    )
