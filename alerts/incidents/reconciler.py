"""Makes incidents follow what the witnesses see: opens, joins, reopens, escalates, closes.

Nothing here depends on an event: each round compares what there is with what should be.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Final

from breakerd.alerts.content.composer import compose_group
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Observation, ObservationSource, merge_observations
from breakerd.alerts.model import notes as story
from breakerd.alerts.model.incident import Incident, Member, Phase
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.model.text import truncate
from breakerd.alerts.muting.mute import mute_reason
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import find_fields
from breakerd.alerts.storage.incident_log import IncidentLog, cooldown_key
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_ALIAS: Final = 499
"""Longest alias without its number; OpsGenie takes 512."""
_BURST: Final = 1.0
"""Seconds without another one after which those that joined are told in one note."""
_PEAK_INTERVAL: Final = 5.0
"""Seconds between two looks at how bad it is; so many a kill may cost."""
_LONGEST_BURST: Final = 10.0
"""Seconds that the first of them is kept waiting at most."""
_GONE: Final = "Its breaker is no longer configured, or its process has ended."


class Reconciler:
    """Keeps a incident_log's incidents up to date. For one thread, which holds the incident_log's lock.

    Args:
        incident_log: where the incidents are.
        silences: those in force.
    """

    def __init__(
        self, incident_log: IncidentLog, silences: Callable[[], Sequence[Silence]]
    ) -> None:
        self._incident_log = incident_log
        self._silences = silences
        self._witnesses: Sequence[ObservationSource] = ()
        self._settings = AlertingSettings()

    def round(
        self, now: float, witnesses: Sequence[ObservationSource], settings: AlertingSettings
    ) -> None:
        """Brings all incidents up to date with what `witnesses` see at `now`."""
        self._witnesses, self._settings = witnesses, settings
        found = merge_observations(witnesses)
        grown = []
        for observation, witness in found.values():
            grown += self._compare(now, observation, witness)
        for incident in {each.id: each for each in grown}.values():
            self._describe_group(incident, found.get(incident.breaker))
        for incident in self._incident_log:
            if incident.phase is Phase.ACTIVE:
                self._miss(now, incident, found)
            self._pass_time(now, incident)

    # --- what is seen

    def _compare(
        self, now: float, observation: Observation, witness: ObservationSource
    ) -> list[Incident]:
        """Brings one breaker's incident up to date; returns the one that it has joined, if any."""
        incident = self._incident_log.current(observation.breaker)
        if incident is not None and _is_another(incident, observation):
            self._end(now, incident)
            incident = None
        if incident is None:
            return self._begin(now, observation, witness)
        member = incident.members[observation.breaker]
        if member.recovered:
            self._fall_back(now, incident, member, witness.cause(observation))
        elif policy.supersedes(observation.kind, incident.kind):
            self._worsen(incident, observation, witness)
        return []

    def _begin(
        self, now: float, observation: Observation, witness: ObservationSource
    ) -> list[Incident]:
        """Trouble without an incident: goes on with one that nobody heard of, joins, or opens."""
        unnotified = self._incident_log.unnotified(observation.breaker)
        if unnotified is not None and unnotified.drill == bool(observation.drill):
            unnotified.content = witness.content(observation)
            unnotified.members = {observation.breaker: Member(observation.kind, now)}
            unnotified.kind = observation.kind
            unnotified.reopen(witness.cause(observation))
            self._incident_log.add(unnotified)
        elif group := self._group_for(now, observation):
            self._incident_log.join(group, now, observation.breaker, observation.kind)
            return [group]
        else:
            self._open(now, observation, witness)
        return []

    def _describe_group(
        self, incident: Incident, found: tuple[Observation, ObservationSource] | None
    ) -> None:
        """Names those who joined in the alert itself, as long as it is not out."""
        if found is not None and not incident.maybe_notified:
            observation, witness = found
            names = [name for name in incident.members if name != incident.breaker]
            incident.content = compose_group(witness.content(observation), names)

    def _group_for(self, now: float, observation: Observation) -> Incident | None:
        window = self._settings.alerts.group_window
        if not window or observation.drill:
            return None
        fitting = (
            incident
            for incident in self._incident_log
            if incident.phase is Phase.ACTIVE
            and not incident.drill
            and incident.kind == observation.kind
            and now - incident.joined_at <= window
        )
        return max(fitting, key=lambda i: i.joined_at, default=None)

    def _open(self, now: float, observation: Observation, witness: ObservationSource) -> None:
        opsgenie, alerts = self._settings.opsgenie, self._settings.alerts
        number = uuid.uuid4().hex[:12]
        host = find_fields(opsgenie).hostname
        incident = Incident(
            id=number,
            alias=truncate(f"breakerd:{host}:{observation.breaker}", _ALIAS) + f":{number}",
            breaker=observation.breaker,
            kind=observation.kind,
            opened_at=observation.since,
            notify_at=self._may_tell_at(observation, observation.since),
            stages=policy.stages(self._settings, observation.kind),
            content=witness.content(observation),
            drill=bool(observation.drill),
            rules=policy.rules(opsgenie, alerts),
            joined_at=now,
        )
        self._incident_log.add(incident)
        _log.warning(
            "incident opened",
            breaker=observation.breaker,
            kind=observation.kind,
            message=incident.content.message,
            held_for=round(max(0.0, incident.notify_at - now), 1),
        )

    def _fall_back(self, now: float, incident: Incident, member: Member, why: str) -> None:
        """A breaker that was well again is in trouble again."""
        member.recovered, member.since = False, now
        if incident.phase is Phase.RESOLVING:
            incident.reopen(why)
        else:
            incident.episodes += 1
        self._incident_log.mark_changed(incident)

    def _worsen(
        self, incident: Incident, observation: Observation, witness: ObservationSource
    ) -> None:
        """Something was told, or is to be; now the breaker has opened, or crossed a threshold."""
        if not incident.maybe_notified:
            incident.content = witness.content(observation)
        slight = incident.kind == policy.DEGRADED
        since = observation.since if slight else incident.opened_at
        not_before = self._may_tell_at(observation, since)
        stages = policy.stages(self._settings, observation.kind) if slight else None
        incident.upgrade(observation.kind, not_before, witness.cause(observation), stages)
        self._incident_log.mark_changed(incident)

    def _may_tell_at(self, observation: Observation, since: float) -> float:
        what = cooldown_key(observation.kind, drill=bool(observation.drill))
        cooldown = self._settings.opsgenie.alert_cooldown_seconds
        return self._incident_log.notify_at(observation.breaker, what, since, cooldown)

    # --- what is seen no more, and what time brings

    def _miss(
        self,
        now: float,
        incident: Incident,
        found: dict[str, tuple[Observation, ObservationSource]],
    ) -> None:
        for name, member in incident.members.items():
            if name not in found:
                member.recovered = True
        if all(member.recovered for member in incident.members.values()):
            incident.resolve(now, self._seen(incident))
            self._incident_log.mark_changed(incident)

    def _pass_time(self, now: float, incident: Incident) -> None:
        if incident.phase is Phase.CLOSED:
            return
        alerts = self._settings.alerts
        held = mute_reason(incident, now, self._incident_log, self._silences(), alerts)
        if held != incident.muted_by:
            incident.muted_by = held
            self._incident_log.mark_changed(incident)
        if incident.unannounced and (
            now >= incident.joined_at + _BURST
            or now >= incident.unannounced_since + _LONGEST_BURST
            or incident.phase is Phase.RESOLVING
        ):
            incident.announce_joined(story.joined_note)
            self._incident_log.mark_changed(incident)
        if incident.phase is Phase.RESOLVING:
            if self._is_over(now, incident):
                self._end(now, incident)
        else:
            if now - incident.peak_recorded_at >= _PEAK_INTERVAL:
                self._measure(now, incident)
            if not held:
                self._go_on(now, incident)

    def _go_on(self, now: float, incident: Incident) -> None:
        if not incident.first_due_at and now >= incident.notify_at:
            incident.first_due_at = now
            self._incident_log.mark_changed(incident)
        if incident.advance(now, lambda: self._seen(incident)):
            self._incident_log.mark_changed(incident)

    def _is_over(self, now: float, incident: Incident) -> bool:
        """What nobody heard of, nor will, need not be watched any longer."""
        of_interest = incident.maybe_notified or (
            incident.first_due_at and incident.rules.notify_missed
        )
        quiet_time = self._settings.alerts.quiet_time
        return not of_interest or now - incident.resolving_since >= quiet_time

    def _end(self, now: float, incident: Incident) -> None:
        self._incident_log.close(now, incident, self._ended_by(incident))
        if not incident.notified_at and incident.first_due_at and incident.rules.notify_missed:
            incident.mark_missed(incident.notes[-1])

    def _measure(self, now: float, incident: Incident) -> None:
        for witness in self._witnesses:
            if incident.breaker not in witness.observations:
                continue
            if figures := witness.peak_figures(incident.breaker):
                incident.record_peak(figures)
            incident.peak_recorded_at = now
            self._incident_log.mark_changed(incident)
            return

    def _ended_by(self, incident: Incident) -> str:
        found = (witness.closing_reason(incident.breaker) for witness in self._witnesses)
        return next(filter(None, found), "")

    def _seen(self, incident: Incident) -> str:
        """What the breaker looks like, to whoever knows it."""
        for witness in self._witnesses:
            if sentence := witness.describe_state(incident.breaker):
                return sentence
        return _GONE


def _is_another(incident: Incident, observation: Observation) -> bool:
    """A drill must not hide what is real, nor go on as if it were."""
    if observation.drill is None or observation.drill == incident.drill:
        return False
    return incident.drill or incident.phase is Phase.RESOLVING
