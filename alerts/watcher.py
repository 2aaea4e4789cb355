"""Compares what the breakers are with the incidents there are, and makes the one follow the other.

Events only wake, and bring the evidence: what counts is what a breaker is now. So an event that got
lost costs a sentence, and never an alert.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alerts import policy
from alerts.content import Trouble, compose, seen, shorten, why
from alerts.fields import find_fields
from alerts.incident import Incident, Phase
from alerts.ledger import Ledger, cooldown_of
from alerts.settings import AlertingSettings, OpsGenieSettings
from breaker import (
    Breaker,
    Event,
    Evidence,
    Registry,
    Signal,
    State,
    Status,
    ThresholdBreached,
    Transition,
)
from breaker.log import get_logger

_log = get_logger("alerts")

_ALIAS: Final = 499
"""Longest alias without its number; OpsGenie takes 512."""
_OPENED: Final = {State.OPEN, State.FORCED_OPEN}
_TROUBLES: Final = {Signal.SLO, Signal.ANOMALY, Signal.OVERLOAD, Signal.LOAD}
_GONE: Final = "Its breaker is no longer configured."


@dataclass(frozen=True, slots=True)
class _Sign:
    """When something that speaks against a breaker was heard, and what it was."""

    at: float
    drill: bool
    evidence: Evidence | None = None


class Watcher:
    """Opens, reopens, escalates and closes the incidents of a registry's breakers.

    Args:
        registry: whose breakers are watched.
        ledger: where their incidents are.
        now: seconds since the epoch.
    """

    def __init__(self, registry: Registry, ledger: Ledger, now: Callable[[], float]) -> None:
        self._registry = registry
        self._ledger = ledger
        self._now = now
        self._signs: dict[tuple[str, str], _Sign] = {}
        """(breaker, kind) -> the last sign of that kind."""

    def notice(self, event: Event) -> None:
        """Keeps the evidence. Called by the engine, so it only puts it away."""
        if isinstance(event, ThresholdBreached):
            sign = _Sign(self._now(), event.drill, event.evidence)
            kind = policy.TROUBLE if event.signal in _TROUBLES else event.signal.value
            self._signs[event.breaker, kind] = sign
        elif isinstance(event, Transition) and event.to_state in _OPENED:
            self._signs[event.breaker, policy.OPEN] = _Sign(self._now(), event.drill)

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
        if incident is not None and causes and self._is_another(incident, causes[0]):
            self._ledger.end(now, incident)
            incident = None
        if incident is None:
            if causes:
                self._open(now, breaker, causes[0], settings)
        elif not causes and incident.phase is Phase.ACTIVE:
            incident.quieten(now, seen(breaker.status()))
            self._ledger.save(incident)
        elif causes and incident.phase is Phase.QUIET:
            incident.reopen(why(self._trouble(breaker, causes[0])))
            self._ledger.save(incident)
        elif causes and policy.outweighs(causes[0], incident.kind):
            self._worsen(now, breaker, incident, causes[0], settings)

    def _is_another(self, incident: Incident, kind: str) -> bool:
        """A drill must not hide what is real, nor go on as if it were."""
        sign = self._signs.get((incident.breaker, kind))
        if sign is None or sign.drill == incident.drill:
            return False
        return incident.drill or incident.phase is Phase.QUIET

    def _open(self, now: float, breaker: Breaker, kind: str, settings: AlertingSettings) -> None:
        opsgenie = settings.opsgenie
        number = uuid.uuid4().hex[:12]
        fields = find_fields(opsgenie)
        trouble = self._trouble(breaker, kind)
        opened_at = self._since(now, breaker, kind)
        incident = Incident(
            id=number,
            alias=shorten(f"breakerd:{fields.hostname}:{breaker.name}", _ALIAS) + f":{number}",
            breaker=breaker.name,
            kind=kind,
            opened_at=opened_at,
            not_before=self._may_tell_at(trouble, opened_at, opsgenie),
            stages=policy.stages(opsgenie, kind),
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
            held_for=round(max(0.0, incident.not_before - now), 1),
        )

    def _worsen(
        self,
        now: float,
        breaker: Breaker,
        incident: Incident,
        kind: str,
        settings: AlertingSettings,
    ) -> None:
        """Something was told, or is to be; now the breaker has opened, or crossed a threshold."""
        trouble = self._trouble(breaker, kind)
        if not incident.maybe_told:
            incident.content = compose(trouble, settings, find_fields(settings.opsgenie))
        slight = incident.kind == policy.TROUBLE
        since = self._since(now, breaker, kind) if slight else incident.opened_at
        not_before = self._may_tell_at(trouble, since, settings.opsgenie)
        stages = policy.stages(settings.opsgenie) if slight else None
        incident.worsen(kind, not_before, why(trouble), stages)
        self._ledger.save(incident)

    def _pass_time(self, now: float, incident: Incident, quiet_time: float) -> None:
        if incident.phase is Phase.QUIET:
            # What nobody heard of need not be watched any longer.
            if not incident.maybe_told or now - incident.quiet_since >= quiet_time:
                self._ledger.end(now, incident)
        elif not self._ledger.silenced(incident, now):
            breaker = self._registry.find(incident.breaker)
            if incident.advance(now, lambda: seen(breaker.status()) if breaker else _GONE):
                self._ledger.save(incident)

    # --- what speaks against a breaker

    def _trouble(self, breaker: Breaker, kind: str) -> Trouble:
        status = breaker.status()
        sign = self._signs.get((breaker.name, kind))
        return Trouble(
            kind=kind,
            drill=sign.drill if sign else status["drill"],
            reason=status["reason"] or kind,
            note=status["note"],
            evidence=(sign.evidence,) if sign and sign.evidence else _evidence(status),
            status=status,
        )

    def _since(self, now: float, breaker: Breaker, kind: str) -> float:
        """When trouble began: a round may come late, where a receiver is slow."""
        sign = self._signs.get((breaker.name, kind))
        return min(now, sign.at) if sign else now

    def _may_tell_at(self, trouble: Trouble, opened_at: float, settings: OpsGenieSettings) -> float:
        what = cooldown_of(trouble.kind, drill=trouble.drill)
        cooldown = settings.alert_cooldown_seconds
        return self._ledger.may_tell_at(trouble.status["name"], what, opened_at, cooldown)


def _evidence(status: Status) -> tuple[Evidence, ...]:
    """The evidence on which a breaker opened."""
    return tuple(
        Evidence(
            signal=Signal(report["signal"]),
            value=report["value"],
            threshold=report["threshold"],
            unit=report["unit"],
            samples=report["samples"],
            detail=report["detail"],
        )
        for report in status["evidence"]
    )
