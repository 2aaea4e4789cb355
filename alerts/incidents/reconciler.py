"""Reconciler: makes the incidents follow the observations.

It opens, joins, reopens, escalates and closes them.
No decision depends on a received event: each round compares what is with what should be.
"""

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from breakerd.alerts.content import notes
from breakerd.alerts.content.composer import compose
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import (
    Observation,
    ObservationSource,
    merge_observations,
)
from breakerd.alerts.incidents.page_drill import end_due_drill
from breakerd.alerts.model.content import AlertContent, AlertContext
from breakerd.alerts.model.escalation import StageTexts, advance
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.text import truncate
from breakerd.alerts.muting.mute import FindSilence, mute_reason
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.storage.incident_log import IncidentLog, cooldown_key
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_MAX_ALIAS: Final = 499
"""Maximum number of characters of an alias without its id; OpsGenie accepts 512 in all."""
_BURST_PAUSE: Final = 1.0
"""Seconds without another breaker after which those that joined are announced in one note."""
_MAX_BURST: Final = 10.0
"""Maximum number of seconds from the first of them to that note."""
_PEAK_INTERVAL: Final = 5.0
"""Seconds between samples of the peak figures; a crash loses at most this much."""
_COMPOSE_INTERVAL: Final = 5.0
"""Seconds between two compositions of the text of an alert that somebody has yet to get."""
_NO_CONTENT: Final = AlertContent("", "", "", "breakerd")


class Reconciler:
    """Keeps the incidents of an incident log up to date. Not thread-safe: hold the log's lock.

    Args:
        incident_log: the incidents.
        find_silence: finds the silence that mutes an incident.
    """

    def __init__(self, incident_log: IncidentLog, find_silence: FindSilence) -> None:
        self._incident_log = incident_log
        self._find_silence = find_silence
        self._sources: Sequence[ObservationSource] = ()
        self._settings = AlertingSettings()

    def reconcile(
        self, now: float, sources: Sequence[ObservationSource], settings: AlertingSettings
    ) -> None:
        """Bring all incidents up to date with what `sources` observe at `now`."""
        self._sources, self._settings = sources, settings
        found = merge_observations(sources)
        for observation, _ in found.values():
            self._apply(now, observation)
        for incident in self._incident_log:
            if incident.drill_ends_at:
                end_due_drill(self._incident_log, now, incident)
            elif incident.phase is Phase.ACTIVE:
                self._mark_recovered(now, incident, found)
            self._pass_time(now, incident)
            self._compose(now, incident)

    # --- breakers that need attention

    def _apply(self, now: float, observation: Observation) -> None:
        """Bring one breaker's incident up to date."""
        incident = self._incident_log.current(observation.breaker)
        if incident is not None and _is_different(incident, observation):
            self._close(now, incident)
            incident = None
        if incident is None:
            self._start(now, observation)
            return
        member = incident.members[observation.breaker]
        if member.recovered:
            self._relapse(now, incident, member)
        elif policy.supersedes(observation.kind, incident.kind):
            self._upgrade(now, incident, observation)

    def _start(self, now: float, observation: Observation) -> None:
        """Continue an incident that nobody was notified of, join one, or open one."""
        unnotified = self._incident_log.unnotified(observation.breaker)
        if unnotified is not None and unnotified.drill == bool(observation.drill):
            unnotified.members = {observation.breaker: Member(observation.kind, now)}
            unnotified.kind = observation.kind
            unnotified.reopen(now, partial(self._reopened_note, unnotified))
            self._incident_log.add(unnotified)
        elif group := self._group_for(now, observation):
            self._incident_log.join(group, now, observation.breaker, observation.kind)
            group.revision += 1
        else:
            self._open(now, observation)

    # --- texts

    def _compose(self, now: float, incident: Incident) -> None:
        """Compose the text anew if it is about to leave: what leaves is of now."""
        if incident.phase is Phase.CLOSED or not incident.stale(now, _COMPOSE_INTERVAL):
            return
        facts = self._facts(incident)
        if not facts:
            return
        identity = resolve_identity(self._settings.opsgenie)
        incident.content = compose(incident, facts, self._settings, identity, now)
        incident.composed_at, incident.composed_revision = now, incident.revision
        self._incident_log.mark_changed(incident)

    def _facts(self, incident: Incident) -> list[AlertContext]:
        """Return the facts of its breakers in all processes, those of the first breaker first."""
        return [
            context
            for name in incident.members
            for source in self._sources
            if (context := source.context(name)) is not None
        ]

    def _reopened_note(self, incident: Incident) -> str:
        return notes.reopened_note(incident, self._facts(incident))

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

    def _open(self, now: float, observation: Observation) -> None:
        opsgenie, alerts = self._settings.opsgenie, self._settings.alerts
        number = uuid.uuid4().hex[:12]
        host = resolve_identity(opsgenie).hostname
        incident = Incident(
            id=number,
            alias=truncate(f"breakerd:{host}:{observation.breaker}", _MAX_ALIAS) + f":{number}",
            breaker=observation.breaker,
            kind=observation.kind,
            opened_at=observation.since,
            notify_at=self._notify_at(observation, observation.since),
            stages=policy.stages(self._settings, observation.kind),
            content=_NO_CONTENT,
            drill=bool(observation.drill),
            rules=policy.rules(opsgenie, alerts),
            joined_at=now,
        )
        self._compose(now, incident)
        self._incident_log.add(incident)
        _log.warning(
            "incident opened",
            breaker=observation.breaker,
            kind=observation.kind,
            message=incident.content.message,
            delay=round(max(0.0, incident.notify_at - now), 1),
        )

    def _relapse(self, now: float, incident: Incident, member: Member) -> None:
        """Record that a recovered breaker needs attention again."""
        member.recovered, member.since = False, now
        if incident.phase is Phase.RESOLVING:
            incident.reopen(now, partial(self._reopened_note, incident))
        else:
            incident.episodes += 1
        self._incident_log.mark_changed(incident)

    def _upgrade(self, now: float, incident: Incident, observation: Observation) -> None:
        """Record that the breaker has opened, or has crossed a threshold, in this incident."""
        degraded = incident.kind == policy.DEGRADED
        since = observation.since if degraded else incident.opened_at
        notify_at = self._notify_at(observation, since)
        stages = policy.stages(self._settings, observation.kind) if degraded else None
        note = notes.upgraded_note(observation.kind, self._facts(incident))
        incident.upgrade(now, observation.kind, notify_at, note, stages)
        incident.revision += 1
        self._incident_log.mark_changed(incident)

    def _notify_at(self, observation: Observation, since: float) -> float:
        key = cooldown_key(observation.kind, drill=bool(observation.drill))
        cooldown = self._settings.opsgenie.alert_cooldown_seconds
        return self._incident_log.notify_at(observation.breaker, key, since, cooldown)

    # --- recovery and the passing of time

    def _mark_recovered(
        self,
        now: float,
        incident: Incident,
        found: Mapping[str, tuple[Observation, ObservationSource]],
    ) -> None:
        for name, member in incident.members.items():
            if name not in found:
                member.recovered = True
        if all(member.recovered for member in incident.members.values()):
            incident.resolve(now, notes.recovered_note(incident, self._facts(incident), now))
            self._incident_log.mark_changed(incident)

    def _pass_time(self, now: float, incident: Incident) -> None:
        if incident.phase is Phase.CLOSED:
            return
        alerts = self._settings.alerts
        muted_by = mute_reason(incident, now, self._incident_log, self._find_silence, alerts)
        if muted_by != incident.muted_by:
            incident.mute(now, muted_by)
            self._incident_log.mark_changed(incident)
        if incident.unannounced and (
            now >= incident.joined_at + _BURST_PAUSE
            or now >= incident.unannounced_since + _MAX_BURST
            or incident.phase is Phase.RESOLVING
        ):
            incident.announce_joined(now, notes.joined_note)
            self._incident_log.mark_changed(incident)
        if incident.phase is Phase.RESOLVING:
            if self._can_close(now, incident):
                self._close(now, incident)
        else:
            if now - incident.peak_recorded_at >= _PEAK_INTERVAL:
                self._record_peak(now, incident)
            if not muted_by:
                self._advance(now, incident)

    def _advance(self, now: float, incident: Incident) -> None:
        if not incident.first_due_at and now >= incident.notify_at:
            incident.first_due_at = now
            self._incident_log.mark_changed(incident)
        texts = StageTexts(
            stage=lambda: notes.stage_note(incident, self._facts(incident), now),
            reminder=lambda: notes.reminder(incident, self._facts(incident), now),
        )
        if advance(incident, now, texts):
            self._incident_log.mark_changed(incident)

    def _can_close(self, now: float, incident: Incident) -> bool:
        """Return True if the incident can close.

        At once if no receiver was or will be notified, else after `resolve_after`.
        """
        missed = incident.first_due_at and incident.rules.notify_missed
        if not (incident.maybe_notified or missed):
            return True
        return now - incident.resolving_since >= self._settings.alerts.resolve_after

    def _close(self, now: float, incident: Incident) -> None:
        note = notes.closing_note(incident, self._closing_reason(incident), now)
        self._incident_log.close(now, incident, note)
        missed = incident.first_due_at and incident.rules.notify_missed
        if not incident.notified_at and missed:
            incident.mark_missed(incident.notes[-1].text)

    def _record_peak(self, now: float, incident: Incident) -> None:
        if facts := self._facts(incident):
            incident.record_figures(facts)
            incident.peak_recorded_at = now
            self._incident_log.mark_changed(incident)

    def _closing_reason(self, incident: Incident) -> str:
        found = (source.closing_reason(incident.breaker) for source in self._sources)
        return next(filter(None, found), "")


def _is_different(incident: Incident, observation: Observation) -> bool:
    """Return True if the observation needs another incident.

    A drill must not hide a real incident, nor be continued as one.
    """
    if observation.drill is None or observation.drill == incident.drill:
        return False
    return incident.drill or incident.phase is Phase.RESOLVING
