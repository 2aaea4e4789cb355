"""Policy: which conditions of a breaker open an incident, and how it is delivered. Pure."""

from dataclasses import replace
from typing import Final, Protocol

from breakerd.alerts.model.incident_parts.member import DEGRADED as DEGRADED_STAGES
from breakerd.alerts.model.incident_parts.member import ELEVATED, LOW, PAGE
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.stage import Stage
from breakerd.alerts.settings.alerting import AlertingSettings, AlertsSettings, StageSettings
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

_SECOND_STAGE: Final = 60.0
"""Seconds from the beginning to the second stage, if the settings name no stages."""
_LAST_STAGE: Final = 300.0
"""Seconds from the beginning to the last stage, if the settings name no stages."""
_HIGHEST: Final = "P1"


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


def alert_kinds(
    breaker: BreakerHealth, settings: OpsGenieSettings, *, would_reject: bool = False
) -> tuple[str, ...]:
    """Return the kinds of alert that the breaker is worth now, the most severe first.

    They make one incident: a breaker that opens because latency crossed its threshold has one
    problem, not two.

    Args:
        breaker: conditions of the breaker.
        settings: which conditions count.
        would_reject: True if it is in OBSERVE, and would reject calls otherwise.
    """
    if not breaker.enabled:
        return ()
    found = []
    if settings.trigger_on_breaker_open and (breaker.triggered or would_reject):
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


def plans(settings: AlertingSettings) -> dict[str, tuple[Stage, ...]]:
    """Return the stages of an incident that opens now, by severity; see `Member.severity`."""
    degraded = tuple(_stage(each) for each in settings.alerts.degraded_stages)
    first = stages(settings)
    found = {
        PAGE: first,
        ELEVATED: tuple(replace(s, priority=_shifted(s.priority, 1)) for s in first),
        LOW: (Stage(0.0, settings.opsgenie.degraded_priority),),
    }
    return found | ({DEGRADED_STAGES: degraded} if degraded else {})


def stages(settings: AlertingSettings) -> tuple[Stage, ...]:
    """Return the stages of a breaker that opens now."""
    opsgenie = settings.opsgenie
    if own := settings.alerts.stages:
        return tuple(_stage(each) for each in own)
    if not opsgenie.has_two_stages:
        return _default_stages(opsgenie.effective_priority)
    if not opsgenie.time_before_send_alert:
        return (Stage(0.0, opsgenie.effective_priority),)
    return (
        Stage(0.0, opsgenie.initial_alert_priority),
        Stage(float(opsgenie.time_before_send_alert), opsgenie.escalated_alert_priority),
    )


def _default_stages(first: str) -> tuple[Stage, ...]:
    """Return the stages that begin with that priority, and end with P1."""
    wanted = ((0.0, first), (_SECOND_STAGE, _shifted(first, -1)), (_LAST_STAGE, _HIGHEST))
    found: list[Stage] = []
    for after, priority in wanted:
        if not found or priority != found[-1].priority:
            found.append(Stage(after, priority))
    return tuple(found)


def _stage(stage: StageSettings) -> Stage:
    return Stage(stage.after, stage.priority, stage.responders)


def _shifted(priority: str, steps: int) -> str:
    """Return the priority that is lower by `steps`; none is beyond P1 and P5."""
    return f"P{min(5, max(1, int(priority[1:]) + steps))}"


def rules(opsgenie: OpsGenieSettings, alerts: AlertsSettings) -> Rules:
    """Return the rules of notification of an incident that opens now."""
    reopens = alerts.on_manual_close == "reopen"
    return Rules(
        auto_close=opsgenie.trigger_on_breaker_reset,
        notify_missed=alerts.on_missed_incident == "notify",
        reopen_after=alerts.reopen_after if reopens else None,
        remind_after=alerts.remind_after,
        degraded_after=alerts.degraded_after,
    )
