"""Compares what the breakers are with the incidents there are, and makes the one follow the other.

Events only wake, and bring the evidence: what counts is what a breaker is now. So an event that got
lost costs a sentence, and never an alert.
"""

import uuid

from alerts import policy
from alerts.content import Trouble, compose, seen, shorten
from alerts.fields import find_fields
from alerts.incident import Incident, Phase
from alerts.ledger import Ledger
from alerts.settings import AlertingSettings
from breaker import Breaker, Event, Evidence, Registry, ThresholdBreached, Transition
from breaker.log import get_logger

_log = get_logger("alerts")

_ALIAS = 512
_GONE = "Its breaker is no longer configured."


class Watcher:
    """Opens, reopens, escalates and closes the incidents of a registry's breakers."""

    def __init__(self, registry: Registry, ledger: Ledger) -> None:
        self._registry = registry
        self._ledger = ledger
        self._evidence: dict[str, Transition | ThresholdBreached] = {}
        """Breaker -> the last event that speaks against it."""

    def notice(self, event: Event) -> None:
        """Keeps the evidence. Called by the engine, so it only puts it away."""
        if isinstance(event, ThresholdBreached) or (
            isinstance(event, Transition) and event.to_state in {"OPEN", "FORCED_OPEN"}
        ):
            self._evidence[event.breaker] = event

    def round(self, now: float, settings: AlertingSettings) -> None:
        """Brings all incidents up to date."""
        for breaker in self._registry:
            self._compare(now, breaker, settings)
        for name in set(self._ledger.breakers()) - set(self._registry.names()):
            incident = self._ledger.of(name)
            if incident is not None and incident.phase is Phase.ACTIVE:
                incident.quieten(now, _GONE)
                self._ledger.save(incident)
        for incident in self._ledger:
            self._pass_time(now, incident, settings.alerts.quiet_time)

    def _compare(self, now: float, breaker: Breaker, settings: AlertingSettings) -> None:
        causes = policy.causes(breaker, settings.opsgenie)
        incident = self._ledger.of(breaker.name)
        if incident is None:
            if causes:
                self._open(now, breaker, causes[0], settings)
        elif causes and incident.phase is Phase.QUIET:
            incident.reopen(self._why(breaker))
            self._ledger.save(incident)
        elif not causes and incident.phase is Phase.ACTIVE:
            incident.quieten(now, seen(breaker.status()))
            self._ledger.save(incident)

    def _open(self, now: float, breaker: Breaker, kind: str, settings: AlertingSettings) -> None:
        opsgenie = settings.opsgenie
        number = uuid.uuid4().hex[:12]
        fields = find_fields(opsgenie)
        trouble = self._trouble(breaker, kind)
        cooldown = opsgenie.alert_cooldown_seconds
        incident = Incident(
            id=number,
            alias=shorten(f"breakerd:{fields.hostname}:{breaker.name}:{number}", _ALIAS),
            breaker=breaker.name,
            kind=kind,
            opened_at=now,
            not_before=self._ledger.may_tell_at(breaker.name, kind, now, cooldown),
            stages=policy.stages(opsgenie),
            content=compose(trouble, settings, fields),
            drill=trouble.drill,
            closes=opsgenie.trigger_on_breaker_reset,
        )
        self._ledger.add(incident)
        _log.warning(
            "incident opened",
            breaker=breaker.name,
            kind=kind,
            message=incident.content.message,
            held_for=round(incident.not_before - now, 1),
        )

    def _trouble(self, breaker: Breaker, kind: str) -> Trouble:
        status, event = breaker.status(), self._evidence.get(breaker.name)
        evidence: tuple[Evidence, ...] = ()
        reason, note = status["reason"] or kind, status["note"]
        if isinstance(event, Transition):
            evidence, reason, note = event.evidence, event.reason.value, event.note
        elif event is not None:
            evidence = (event.evidence,)
        drill = status["drill"] or (event is not None and event.drill)
        return Trouble(kind, drill, reason, note, evidence, status)

    def _why(self, breaker: Breaker) -> str:
        event = self._evidence.get(breaker.name)
        if isinstance(event, Transition) and event.evidence:
            return event.evidence[0].sentence()
        return seen(breaker.status())

    def _pass_time(self, now: float, incident: Incident, quiet_time: float) -> None:
        if incident.phase is Phase.QUIET:
            # What was never told need not be watched any longer.
            if not incident.told or now - incident.quiet_since >= quiet_time:
                self._evidence.pop(incident.breaker, None)
                self._ledger.end(now, incident)
        elif not self._ledger.silenced(incident, now):
            breaker = self._registry.find(incident.breaker)
            if incident.advance(now, lambda: seen(breaker.status()) if breaker else _GONE):
                self._ledger.save(incident)
