"""Status of alerting as JSON-able data, and figures for metrics."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from breakerd.alerts.coordination.watchdog import Watchdog
from breakerd.alerts.delivery.delivery_status import delivery_status
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.heartbeat.heartbeats import Heartbeats
from breakerd.alerts.incidents import policy
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.paging import PagingReport, PagingReporter
from breakerd.alerts.receivers.opsgenie import address_of
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.settings.token_end import expiring_tokens
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.breaker.runtime.status import whole

Json = dict[str, Any]

_MASK: Final = "********"
_MAX_BREAKERS: Final = 50
"""Maximum number of breakers that are listed for an incident."""
_INTERNAL: Final = {"content", "sent", "tags"}
"""Attributes of a delivery that say nothing to people."""
_SHOWN_SETTINGS: Final = (
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
        pending: number of incidents of which some receiver does not know all it should.
        oldest_pending_seconds: age of the oldest of them, in seconds; 0 if there is none.
        counts: number of deliveries by (receiver, outcome).
        dead_letters: number of alerts by receiver that were given up, and that nobody has retried
            or discarded.
        last_success: time of the last success by receiver, in seconds since the epoch; 0 if never.
        last_heartbeat: time of the last ping by receiver, in seconds since the epoch; 0 if never.
        last_round: time of the last completed round, in seconds since the epoch; 0 if never.
        stalled: True if no round was completed for 30 s.
    """

    pending: int
    oldest_pending_seconds: float
    counts: dict[tuple[str, str], int]
    dead_letters: dict[str, int]
    last_success: dict[str, float]
    last_heartbeat: dict[str, float]
    last_round: float
    stalled: bool


class StatusReporter:
    """Status of the alerting of one registry. Thread-safe.

    Args:
        paging: says whether people are paged.
        pipeline: the receivers.
        heartbeats: the heartbeats.
        incident_log: the incidents.
        settings: returns the present settings.
        now: returns seconds since the epoch.
        watchdog: watchdog of the rounds.
    """

    def __init__(
        self,
        paging: PagingReporter,
        pipeline: DeliveryPipeline,
        heartbeats: Heartbeats,
        incident_log: IncidentLog,
        settings: Callable[[], AlertingSettings],
        now: Callable[[], float],
        watchdog: Watchdog,
    ) -> None:
        self._paging = paging
        self._pipeline = pipeline
        self._heartbeats = heartbeats
        self._incident_log = incident_log
        self._settings = settings
        self._now = now
        self._watchdog = watchdog

    def problems(self) -> list[str]:
        """Return what keeps alerts from reaching people, or soon will, as sentences."""
        return self._present_problems() + expiring_tokens(self._settings(), self._now())

    def _present_problems(self) -> list[str]:
        opsgenie, store = self._settings().opsgenie, self._incident_log.store
        found = self._paging.problems() + self._watchdog.stalls()
        if opsgenie.active:
            found += resolve_identity(opsgenie).problems
            found += self._heartbeats.problems()
        if store.problem:
            found.append(f"incidents are kept in memory only: {store.problem}")
        if store.relocation_problem:
            found.append(store.relocation_problem)
        if store.quarantined:
            found.append(store.quarantined)
        texts = {incident.content.template_problem for incident in self._incident_log}
        return found + sorted(texts - {""}) + self._pipeline.dead_letter_problems()

    def health(self) -> Json:
        """Return `ok`, `stalled`, `paging` and `problems`. To page nobody by choice is ok."""
        stalled = bool(self._watchdog.stalls())
        must_work = self._settings().opsgenie.active or self._incident_log.store.problem
        return {
            "ok": not (must_work or stalled) or not self._present_problems(),
            "stalled": stalled,
            "paging": self.paging,
            "problems": self.problems(),
        }

    @property
    def paging(self) -> bool:
        """True if a person is notified of incidents that are not muted."""
        return self._paging.paging

    def paging_report(self, breaker: str | None = None) -> PagingReport:
        """Return whether a person is notified when that breaker trips, or any; and why not."""
        problems = self.problems()
        muted = self.muted([breaker])[breaker] if breaker is not None else ""
        if muted:
            problems.insert(0, f"nobody is being paged about {breaker}: {muted}")
        return {"paging": self.paging and not muted, "paging_problems": problems}

    def muted(self, breakers: Iterable[str]) -> dict[str, str]:
        """Return by name why nobody is paged about each breaker; empty if somebody is."""
        return self._paging.muted(breakers)

    def stats(self) -> AlertStats:
        """Return the figures for metrics."""
        now = self._now()
        pending = self._pipeline.pending(now)
        oldest = max((now - incident.opened_at for incident in pending), default=0.0)
        return AlertStats(
            pending=len(pending),
            oldest_pending_seconds=oldest,
            counts=self._pipeline.counts,
            dead_letters=self._pipeline.dead_letters(),
            last_success=self._pipeline.last_success,
            last_heartbeat=self._heartbeats.last_success,
            last_round=self._watchdog.last_round_at,
            stalled=bool(self._watchdog.stalls()),
        )

    def incidents(self, limit: int, phase: str | None) -> list[Json]:
        """Return the latest incidents, newest first; all, or those in a phase."""
        now = self._now()
        return [incident_status(each, now) for each in self._incident_log.latest(limit, phase)]

    def stages(self, breaker: str) -> Json:
        """Return the stages of one breaker's incidents, in go-breaker's form."""
        waiting = [
            i for i in self._incident_log if i.breaker == breaker and i.escalates_at is not None
        ]
        return stages_status(self._settings(), waiting, self._now())

    def opsgenie(self) -> Json:
        """Return the settings of `[opsgenie]` in go-breaker's form, and the receivers."""
        settings = self._settings().opsgenie
        return settings_status(settings) | {
            "initialized": self._pipeline.first_receiver == settings.flavour,
            "paging": self.paging,
            "problems": self.problems(),
            "receivers": self.receivers(),
        }

    def receivers(self) -> list[Json]:
        """Return the state of each receiver and of its heartbeat."""
        pinged = self._heartbeats.last_success
        return [
            {**state, "last_heartbeat": pinged.get(state["name"]) or None}
            for state in self._pipeline.states(self._now())
        ]

    def maintenance(self) -> list[Json]:
        """Return the maintenance windows of the settings."""
        return maintenance_status(self._settings(), self._now())


def settings_status(settings: OpsGenieSettings) -> Json:
    """Return the settings of `[opsgenie]` in go-breaker's form, the key masked."""
    return {name: getattr(settings, name) for name in _SHOWN_SETTINGS} | {
        "api_key": _MASK if settings.api_key else "",
        "api_url": address_of(settings),
        "tags": list(settings.tags),
        "current_environment": resolve_identity(settings).environment,
    }


def maintenance_status(settings: AlertingSettings, now: float) -> list[Json]:
    """Return the maintenance windows; `ends_at` is set in an open one."""
    return [
        {"name": name, **window.model_dump(mode="json"), "ends_at": window.ends_at(now)}
        for name, window in settings.alerts.maintenance.items()
    ]


def stages_status(settings: AlertingSettings, waiting: Iterable[Incident], now: float) -> Json:
    """Return the stages, and the incidents that have a next one, in go-breaker's form.

    go-breaker has two stages. Of more, these are the first and the second.
    """
    opsgenie, stages = settings.opsgenie, policy.stages(settings)
    first, second = stages[0], stages[1] if len(stages) > 1 else None
    initial, escalated = first.priority, second.priority if second else first.priority
    if opsgenie.has_two_stages and not settings.alerts.stages:
        initial, escalated = opsgenie.initial_alert_priority, opsgenie.escalated_alert_priority
    pending = {incident.alias: _waiting(incident, now) for incident in waiting}
    return {
        "enabled": second is not None,
        "time_before_alert": whole(second.after) if second else 0,
        "initial_priority": initial,
        "escalated_priority": escalated,
        "pending_alerts_count": len(pending),
        "pending_alerts": pending,
        "opsgenie_enabled": opsgenie.enabled,
        "trigger_on_open": opsgenie.trigger_on_breaker_open,
    }


def incident_status(incident: Incident, now: float) -> Json:
    """Return an incident in short. Times are in seconds since the epoch."""
    deliveries = delivery_statuses(incident)
    told = [each for each in deliveries.values() if each["told"]]
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
        "breakers": list(incident.members)[:_MAX_BREAKERS],
        "breakers_count": len(incident.members),
        "muted_by": incident.muted_by,
        "held_by": held_by(incident, now),
        "acknowledged": any(each["acknowledged"] for each in deliveries.values()),
        "notes": [note.text for note in incident.notes],
        "deliveries": deliveries,
        "notified": bool(told),
        "closed_at_receiver": bool(deliveries)
        and all(each["closed"] for each in told or deliveries.values()),
        "attempts": max((each["attempts"] for each in deliveries.values()), default=0),
        "dead_letters": {
            name: dead.dead_letter_reason for name, dead in incident.dead_letters.items()
        },
    }


def delivery_statuses(incident: Incident) -> Json:
    """Return by name of the receiver whether it was told of the incident, and what it has."""
    return {name: delivery_status(each) for name, each in list(incident.deliveries.items())}


def held_by(incident: Incident, now: float) -> str:
    """Return what holds the alert of an incident back, and until when; empty if nothing does."""
    if incident.phase is Phase.CLOSED:
        return ""
    if incident.phase is Phase.RESOLVING or incident.muted_by:
        return incident.muted_by
    cooled_at = min(member.notify_at for member in incident.members.values())
    if incident.maybe_notified or now >= cooled_at:
        return ""
    until = datetime.fromtimestamp(cooled_at, UTC).strftime("%H:%M:%S UTC")
    return f"cooldown until {until}"


def full_status(incident: Incident, now: float) -> Json:
    """Return an incident in full, with each receiver. Times are in seconds since the epoch."""
    full, short = incident.as_dict(), delivery_statuses(incident)
    return full | {
        "priority": incident.priority,
        "message": incident.content.message,
        "escalates_at": incident.escalates_at,
        "held_by": held_by(incident, now),
        "acknowledged": any(d.acknowledged for d in incident.deliveries.values()),
        "members": {name: asdict(member) for name, member in incident.members.items()},
        "deliveries": {
            name: {k: v for k, v in full["deliveries"][name].items() if k not in _INTERNAL} | told
            for name, told in short.items()
        },
    }


def silence_status(silence: Silence) -> Json:
    """Return a silence. Times are in seconds since the epoch."""
    return silence.as_dict()


def _waiting(incident: Incident, now: float) -> Json:
    due = incident.escalates_at or now
    return {
        "breaker": incident.breaker,
        "priority": incident.priority,
        "open_seconds": round(now - incident.opened_at, 1),
        "escalates_in_seconds": round(max(0.0, due - now), 1),
    }
