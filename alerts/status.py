"""What alerting says of itself, as JSON-able data."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.receivers.opsgenie import address_of
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity

Json = dict[str, Any]

_HIDDEN: Final = "********"
_NAMED: Final = 50
"""So many of an incident's breakers are named in a list."""
_AS_THEY_ARE: Final = (
    "enabled",
    "region",
    "priority",
    "source",
    "team",
    "trigger_on_breaker_open",
    "trigger_on_breaker_reset",
    "trigger_on_memory_threshold",
    "trigger_on_latency_threshold",
    "include_latency_metrics",
    "include_memory_metrics",
    "include_system_info",
    "alert_cooldown_seconds",
    "use_environments",
)


@dataclass(frozen=True, slots=True)
class AlertStats:
    """Figures for metrics.

    Attributes:
        pending: incidents of which the receiver does not know all it should.
        oldest_pending_seconds: age of the oldest of them.
        counts: deliveries by (sink, outcome).
        dead_letters: alerts that were given up, and that nobody has retried or discarded, by sink.
        last_success: when each sink last did as asked, in seconds since the epoch; 0 if never.
        last_heartbeat: when the heartbeat of a sink was last pinged; 0 if never.
    """

    pending: int
    oldest_pending_seconds: float
    counts: dict[tuple[str, str], int]
    dead_letters: dict[str, int]
    last_success: dict[str, float]
    last_heartbeat: dict[str, float]


def settings_status(settings: OpsGenieSettings) -> Json:
    """The settings of `[opsgenie]` in go-breaker's form, the key masked."""
    return {name: getattr(settings, name) for name in _AS_THEY_ARE} | {
        "api_key": _HIDDEN if settings.api_key else "",
        "api_url": address_of(settings),
        "tags": list(settings.tags),
        "current_environment": resolve_identity(settings).environment,
    }


def stages_status(settings: OpsGenieSettings, waiting: Iterable[Incident], now: float) -> Json:
    """The stages, and the incidents whose next one is due, in go-breaker's form."""
    pending = {incident.alias: _waiting(incident, now) for incident in waiting}
    return {
        "enabled": settings.time_before_send_alert > 0,
        "time_before_alert": settings.time_before_send_alert,
        "initial_priority": settings.initial_alert_priority,
        "escalated_priority": settings.escalated_alert_priority,
        "pending_alerts_count": len(pending),
        "pending_alerts": pending,
        "opsgenie_enabled": settings.enabled,
        "trigger_on_open": settings.trigger_on_breaker_open,
    }


def incident_status(incident: Incident, receiver: str) -> Json:
    """An incident, and what `receiver` knows of it. Times are in seconds since the epoch."""
    delivery = incident.deliveries.get(receiver)
    return {
        "id": incident.id,
        "alias": incident.alias,
        "breaker": incident.breaker,
        "kind": incident.kind,
        "drill": incident.drill,
        "phase": incident.phase.value,
        "priority": incident.priority,
        "message": incident.content.message,
        "opened_at": incident.opened_at,
        "notify_at": incident.notify_at,
        "escalates_at": incident.escalates_at,
        "closed_at": incident.closed_at or None,
        "episodes": incident.episodes,
        "breakers": list(incident.members)[:_NAMED],
        "breakers_count": len(incident.members),
        "muted_by": incident.muted_by,
        "acknowledged": any(d.acknowledged for d in list(incident.deliveries.values())),
        "notes": list(incident.notes),
        "receiver": receiver,
        "notified": delivery is not None and delivery.created,
        "closed_at_receiver": delivery is not None and delivery.closed,
        "attempts": delivery.attempts if delivery else 0,
        "dead_letter_reason": (delivery.dead_letter_reason or None) if delivery else None,
        "dead_letters": {
            name: dead.dead_letter_reason for name, dead in incident.dead_letters.items()
        },
    }


def full_status(incident: Incident) -> Json:
    """All that is known of an incident, and of each receiver. Times in seconds since the epoch."""
    return incident.as_dict() | {
        "priority": incident.priority,
        "message": incident.content.message,
        "escalates_at": incident.escalates_at,
        "acknowledged": any(d.acknowledged for d in incident.deliveries.values()),
        "members": {
            name: {"kind": member.kind, "since": member.since, "recovered": member.recovered}
            for name, member in incident.members.items()
        },
    }


def silence_status(silence: Silence) -> Json:
    """A silence."""
    return silence.as_dict()


def _waiting(incident: Incident, now: float) -> Json:
    due = incident.escalates_at or now
    return {
        "breaker": incident.breaker,
        "priority": incident.priority,
        "open_seconds": round(now - incident.opened_at, 1),
        "escalates_in_seconds": round(max(0.0, due - now), 1),
    }
