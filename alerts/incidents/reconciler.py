"""Makes incidents follow what the witnesses see: opens, joins, reopens, escalates, closes.

Nothing here depends on an event: each round compares what there is with what should be.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Final

from breakerd.alerts.content.composer import compose_group
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Sighting, Witness, merged
from breakerd.alerts.model import notes as story
from breakerd.alerts.model.incident import Incident, Member, Phase
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.model.text import shorten
from breakerd.alerts.muting.mute import why_held
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.storage.incident_log import Ledger, cooldown_of
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_ALIAS: Final = 499
"""Longest alias without its number; OpsGenie takes 512."""
_BURST: Final = 1.0
"""Seconds without another one after which those that joined are told in one note."""
_MEASURE_EVERY: Final = 5.0
"""Seconds between two looks at how bad it is; so many a kill may cost."""
_LONGEST_BURST: Final = 10.0
"""Seconds that the first of them is kept waiting at most."""
_GONE: Final = "Its breaker is no longer configured, or its process has ended."


class Reconciler:
    """Keeps a ledger's incidents up to date. For one thread, which holds the ledger's lock.

    Args:
        ledger: where the incidents are.
        silences: those in force.
    """

    def __init__(self, ledger: Ledger, silences: Callable[[], Sequence[Silence]]) -> None:
        self._ledger = ledger
        self._silences = silences
        self._witnesses: Sequence[Witness] = ()
        self._settings = AlertingSettings()

    def round(self, now: float, witnesses: Sequence[Witness], settings: AlertingSettings) -> None:
        """Brings all incidents up to date with what `witnesses` see at `now`."""
        self._witnesses, self._settings = witnesses, settings
        found = merged(witnesses)
        grown = []
        for sighting, witness in found.values():
            grown += self._compare(now, sighting, witness)
        for incident in {each.id: each for each in grown}.values():
            self._describe_group(incident, found.get(incident.breaker))
        for incident in self._ledger:
            if incident.phase is Phase.ACTIVE:
                self._miss(now, incident, found)
            self._pass_time(now, incident)

    # --- what is seen

    def _compare(self, now: float, sighting: Sighting, witness: Witness) -> list[Incident]:
        """Brings one breaker's incident up to date; returns the one that it has joined, if any."""
        incident = self._ledger.of(sighting.breaker)
        if incident is not None and _is_another(incident, sighting):
            self._end(now, incident)
            incident = None
        if incident is None:
            return self._begin(now, sighting, witness)
        member = incident.members[sighting.breaker]
        if member.well:
            self._fall_back(now, incident, member, witness.why(sighting))
        elif policy.outweighs(sighting.kind, incident.kind):
            self._worsen(incident, sighting, witness)
        return []

    def _begin(self, now: float, sighting: Sighting, witness: Witness) -> list[Incident]:
        """Trouble without an incident: goes on with one that nobody heard of, joins, or opens."""
        untold = self._ledger.untold(sighting.breaker)
        if untold is not None and untold.drill == bool(sighting.drill):
            untold.content = witness.content(sighting)
            untold.members = {sighting.breaker: Member(sighting.kind, now)}
            untold.kind = sighting.kind
            untold.reopen(witness.why(sighting))
            self._ledger.add(untold)
        elif group := self._group_for(now, sighting):
            self._ledger.join(group, now, sighting.breaker, sighting.kind)
            return [group]
        else:
            self._open(now, sighting, witness)
        return []

    def _describe_group(self, incident: Incident, found: tuple[Sighting, Witness] | None) -> None:
        """Names those who joined in the alert itself, as long as it is not out."""
        if found is not None and not incident.maybe_told:
            sighting, witness = found
            names = [name for name in incident.members if name != incident.breaker]
            incident.content = compose_group(witness.content(sighting), names)

    def _group_for(self, now: float, sighting: Sighting) -> Incident | None:
        window = self._settings.alerts.group_window
        if not window or sighting.drill:
            return None
        fitting = (
            incident
            for incident in self._ledger
            if incident.phase is Phase.ACTIVE
            and not incident.drill
            and incident.kind == sighting.kind
            and now - incident.joined_at <= window
        )
        return max(fitting, key=lambda i: i.joined_at, default=None)

    def _open(self, now: float, sighting: Sighting, witness: Witness) -> None:
        opsgenie, alerts = self._settings.opsgenie, self._settings.alerts
        number = uuid.uuid4().hex[:12]
        host = resolve_identity(opsgenie).hostname
        incident = Incident(
            id=number,
            alias=shorten(f"breakerd:{host}:{sighting.breaker}", _ALIAS) + f":{number}",
            breaker=sighting.breaker,
            kind=sighting.kind,
            opened_at=sighting.since,
            not_before=self._may_tell_at(sighting, sighting.since),
            stages=policy.stages(self._settings, sighting.kind),
            content=witness.content(sighting),
            drill=bool(sighting.drill),
            rules=policy.rules(opsgenie, alerts),
            joined_at=now,
        )
        self._ledger.add(incident)
        _log.warning(
            "incident opened",
            breaker=sighting.breaker,
            kind=sighting.kind,
            message=incident.content.message,
            held_for=round(max(0.0, incident.not_before - now), 1),
        )

    def _fall_back(self, now: float, incident: Incident, member: Member, why: str) -> None:
        """A breaker that was well again is in trouble again."""
        member.well, member.since = False, now
        if incident.phase is Phase.QUIET:
            incident.reopen(why)
        else:
            incident.episodes += 1
        self._ledger.change(incident)

    def _worsen(self, incident: Incident, sighting: Sighting, witness: Witness) -> None:
        """Something was told, or is to be; now the breaker has opened, or crossed a threshold."""
        if not incident.maybe_told:
            incident.content = witness.content(sighting)
        slight = incident.kind == policy.TROUBLE
        since = sighting.since if slight else incident.opened_at
        not_before = self._may_tell_at(sighting, since)
        stages = policy.stages(self._settings, sighting.kind) if slight else None
        incident.worsen(sighting.kind, not_before, witness.why(sighting), stages)
        self._ledger.change(incident)

    def _may_tell_at(self, sighting: Sighting, since: float) -> float:
        what = cooldown_of(sighting.kind, drill=bool(sighting.drill))
        cooldown = self._settings.opsgenie.alert_cooldown_seconds
        return self._ledger.may_tell_at(sighting.breaker, what, since, cooldown)

    # --- what is seen no more, and what time brings

    def _miss(
        self, now: float, incident: Incident, found: dict[str, tuple[Sighting, Witness]]
    ) -> None:
        for name, member in incident.members.items():
            if name not in found:
                member.well = True
        if all(member.well for member in incident.members.values()):
            incident.quieten(now, self._seen(incident))
            self._ledger.change(incident)

    def _pass_time(self, now: float, incident: Incident) -> None:
        if incident.phase is Phase.CLOSED:
            return
        alerts = self._settings.alerts
        held = why_held(incident, now, self._ledger, self._silences(), alerts)
        if held != incident.held:
            incident.held = held
            self._ledger.change(incident)
        if incident.unsaid and (
            now >= incident.joined_at + _BURST
            or now >= incident.unsaid_since + _LONGEST_BURST
            or incident.phase is Phase.QUIET
        ):
            incident.say_joined(story.group_note)
            self._ledger.change(incident)
        if incident.phase is Phase.QUIET:
            if self._is_over(now, incident):
                self._end(now, incident)
        else:
            if now - incident.measured_at >= _MEASURE_EVERY:
                self._measure(now, incident)
            if not held:
                self._go_on(now, incident)

    def _go_on(self, now: float, incident: Incident) -> None:
        if not incident.due_at and now >= incident.not_before:
            incident.due_at = now
            self._ledger.change(incident)
        if incident.advance(now, lambda: self._seen(incident)):
            self._ledger.change(incident)

    def _is_over(self, now: float, incident: Incident) -> bool:
        """What nobody heard of, nor will, need not be watched any longer."""
        of_interest = incident.maybe_told or (incident.due_at and incident.rules.tells_missed)
        resolve_after = self._settings.alerts.resolve_after
        return not of_interest or now - incident.quiet_since >= resolve_after

    def _end(self, now: float, incident: Incident) -> None:
        self._ledger.end(now, incident, self._ended_by(incident))
        if not incident.told_at and incident.due_at and incident.rules.tells_missed:
            incident.tell_late(incident.notes[-1])

    def _measure(self, now: float, incident: Incident) -> None:
        for witness in self._witnesses:
            if incident.breaker not in witness.sightings:
                continue
            if figures := witness.worst(incident.breaker):
                incident.measure(figures)
            incident.measured_at = now
            self._ledger.change(incident)
            return

    def _ended_by(self, incident: Incident) -> str:
        found = (witness.ended_by(incident.breaker) for witness in self._witnesses)
        return next(filter(None, found), "")

    def _seen(self, incident: Incident) -> str:
        """What the breaker looks like, to whoever knows it."""
        for witness in self._witnesses:
            if sentence := witness.seen(incident.breaker):
                return sentence
        return _GONE


def _is_another(incident: Incident, sighting: Sighting) -> bool:
    """A drill must not hide what is real, nor go on as if it were."""
    if sighting.drill is None or sighting.drill == incident.drill:
        return False
    return incident.drill or incident.phase is Phase.QUIET
