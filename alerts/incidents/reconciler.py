"""Reconciler: makes the incidents follow the observations.

It opens, joins, reopens, escalates and closes them.
No decision depends on a received event: each round compares what is with what should be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from breakerd.alerts.content import notes
from breakerd.alerts.content.closing import closing_note
from breakerd.alerts.content.composer import compose
from breakerd.alerts.content.summary import Recall, Summary
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.groups import Groups
from breakerd.alerts.incidents.holds import HoldFinder, Newcomer
from breakerd.alerts.incidents.observation import (
    Observation,
    ObservationSource,
    merge_observations,
)
from breakerd.alerts.incidents.opening import needs_another, new_incident, new_member, severity_in
from breakerd.alerts.incidents.page_drill import end_due_drill
from breakerd.alerts.incidents.softening import soften
from breakerd.alerts.incidents.surroundings import Surroundings
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.escalation import (
    StageTexts,
    advance,
    escalate,
    escalate_opened,
    first_notice_at,
    flap_note_due,
)
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import LOW, Member
from breakerd.alerts.muting.mute import FindSilence
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.storage.cooldowns import cooldown_key
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_BURST_PAUSE: Final = 1.0
"""Seconds without another breaker after which those that joined are announced in one note."""
_MAX_BURST: Final = 10.0
"""Maximum number of seconds from the first of them to that note."""
_PEAK_INTERVAL: Final = 5.0
"""Seconds between samples of the peak figures; a crash loses at most this much."""
_COMPOSE_INTERVAL: Final = 5.0
"""Seconds between two compositions of the text of an alert that somebody has yet to get."""
_MAX_FACTS: Final = 200
"""Maximum number of breakers of an incident whose figures are read; each costs 0.2 ms."""


class Reconciler:
    """Keeps the incidents of an incident log up to date. Not thread-safe: hold the log's lock.

    Args:
        incident_log: the incidents.
        find_silence: finds the silence that mutes an incident.
        surroundings: what is known of the other processes.
        recall: returns what a breaker's calls did in the last minutes.
    """

    def __init__(
        self,
        incident_log: IncidentLog,
        find_silence: FindSilence,
        surroundings: Surroundings,
        recall: Recall,
    ) -> None:
        self._recall = recall
        self._incident_log = incident_log
        self._find_silence = find_silence
        self._sources: Sequence[ObservationSource] = ()
        self._settings = AlertingSettings()
        self._surroundings = surroundings
        self._groups = Groups(0.0, 0.0, ())

    def reconcile(
        self, now: float, sources: Sequence[ObservationSource], settings: AlertingSettings
    ) -> None:
        """Bring all incidents up to date with what `sources` observe."""
        self._sources, self._settings = sources, settings
        self._groups = Groups(now, settings.alerts.group_window, self._incident_log)
        found = soften(merge_observations(sources), sources, self._surroundings, self._severity)
        self._surroundings.see(now, found)
        newcomers = [
            Newcomer(each, self._notify_at(each)) for each, _ in found.values()
            if not self._update(now, each)
        ]  # fmt: skip
        for incident in self._incident_log:
            if incident.drill_ends_at:
                end_due_drill(self._incident_log, now, incident)
            elif incident.phase is Phase.ACTIVE:
                self._mark_recovered(now, incident, found)
        self._hold_back(now, newcomers)
        # What is free first: what is held back joins nobody.
        for newcomer in sorted(newcomers, key=lambda each: bool(each.held_by)):
            self._start(now, newcomer)
        for incident in self._incident_log:
            self._pass_time(now, incident)
            self._compose(now, incident)

    # --- breakers that need attention

    def _update(self, now: float, observation: Observation) -> bool:
        """Bring the incident of a breaker up to date; return False if it needs a new one."""
        incident = self._incident_log.current(observation.breaker)
        if incident is None:
            return False
        if needs_another(incident, observation):
            self._close(now, incident)
            return False
        member = incident.members[observation.breaker]
        if member.recovered:
            self._relapse(now, incident, member)
        severity = severity_in(incident, observation)
        if policy.supersedes(observation.kind, member.kind):
            self._upgrade(now, incident, member, observation)
        elif observation.kind == member.kind and severity != member.severity:
            member.change_severity(now, severity)
            self._incident_log.mark_changed(incident)
        return True

    def _severity(self, breaker: str) -> str:
        """Return the severity that a breaker has in its incident; the lowest if it has none."""
        incident = self._incident_log.current(breaker)
        return incident.members[breaker].severity if incident is not None else LOW

    def _hold_back(self, now: float, newcomers: Sequence[Newcomer]) -> None:
        """Find what holds breakers back. What is free again may join others."""
        finder = HoldFinder(now, self._find_silence, self._settings)
        changed, freed = finder.update(self._incident_log, newcomers)
        for incident in changed:
            self._incident_log.mark_changed(incident)
        for incident in freed:
            incident.revision += 1
            if incident.phase is Phase.ACTIVE and not incident.maybe_notified:
                self._release(now, incident)

    def _release(self, now: float, incident: Incident) -> None:
        """Have an incident that nobody was notified of join another, or be joined by others."""
        group = self._groups.find(incident.kind, drill=incident.drill)
        if group is None or group is incident:
            incident.joined_at = now
            self._groups.lead(incident)
        else:
            self._incident_log.merge(now, incident, group)
            group.revision += 1

    def _start(self, now: float, newcomer: Newcomer) -> None:
        """Continue an incident that nobody was notified of, join one, or open one."""
        observation = newcomer.observation
        drill = bool(observation.drill)
        unnotified = self._incident_log.unnotified(observation.breaker)
        if unnotified is not None and unnotified.drill == drill:
            unnotified.members = {observation.breaker: new_member(newcomer, unnotified)}
            unnotified.kind = observation.kind
            unnotified.reopen(now)
            unnotified.mute(now, newcomer.held_by)
            self._incident_log.add(unnotified)
            return
        group = None
        if not newcomer.held_by:
            group = self._groups.find(observation.kind, drill=drill)
        if group is not None:
            self._incident_log.join(group, now, observation.breaker, new_member(newcomer, group))
            group.revision += 1
        else:
            self._open(now, newcomer)

    # --- texts

    def _compose(self, now: float, incident: Incident) -> None:
        """Compose the text anew if it is about to leave: what leaves is of now."""
        if incident.phase is Phase.CLOSED or not incident.stale(now, _COMPOSE_INTERVAL):
            return
        facts = self._facts(incident)
        if not facts:
            return
        identity = resolve_identity(self._settings.opsgenie)
        summary = Summary.of(incident, facts, now).recalling(self._recall)
        incident.content = compose(summary, self._settings, identity)
        incident.composed_at, incident.composed_revision = now, incident.revision
        self._incident_log.mark_changed(incident)

    def _facts(self, incident: Incident) -> list[AlertContext]:
        """Return the facts of its breakers in all processes, those of the first breaker first.

        Of many breakers, only the first that need attention.
        """
        names = sorted(incident.members, key=lambda name: incident.members[name].recovered)
        return [
            replace(context, spread=self._surroundings.spread(name))
            for name in names[:_MAX_FACTS]
            for source in self._sources
            if (context := source.context(name)) is not None
        ]

    def _open(self, now: float, newcomer: Newcomer) -> None:
        incident = new_incident(now, newcomer, self._settings, self._surroundings.naming)
        self._compose(now, incident)
        self._incident_log.add(incident)
        self._groups.lead(incident)
        _log.warning(
            "incident opened",
            breaker=incident.breaker,
            kind=incident.kind,
            message=incident.content.message,
            delay=round(max(0.0, incident.notify_at - now), 1),
        )

    def _relapse(self, now: float, incident: Incident, member: Member) -> None:
        """Record that a recovered breaker needs attention again."""
        member.relapse(now)
        if incident.phase is Phase.RESOLVING:
            incident.reopen(now)
        else:  # several that come back together are one episode
            incident.episodes = max(incident.episodes, member.episodes)
        self._incident_log.mark_changed(incident)

    def _upgrade(
        self, now: float, incident: Incident, member: Member, observation: Observation
    ) -> None:
        """Record that a breaker has opened, or has crossed a threshold, in this incident."""
        before = member.kind
        member.kind, member.cause = observation.kind, observation.cause
        member.reason, member.notify_at = observation.reason, self._notify_at(observation)
        member.change_severity(min(now, observation.since), severity_in(incident, observation))
        if policy.supersedes(observation.kind, incident.kind):
            incident.kind = observation.kind
        incident.revision += 1
        self._incident_log.mark_changed(incident)
        if not incident.maybe_notified:
            return
        incident.upgraded_to = observation.kind
        if member.counts:
            opens = (before, observation.kind) == (policy.DEGRADED, policy.OPEN)
            enter = escalate_opened if opens else escalate
            enter(incident, now, lambda: notes.stage_note(incident, self._facts(incident), now))

    def _notify_at(self, observation: Observation) -> float:
        key = cooldown_key(observation.kind, observation.cause, drill=bool(observation.drill))
        cooldown = self._settings.opsgenie.alert_cooldown_seconds
        return self._incident_log.cooldowns.notify_at(
            observation.breaker, key, observation.since, cooldown
        )

    # --- recovery and the passing of time

    def _mark_recovered(
        self,
        now: float,
        incident: Incident,
        found: Mapping[str, tuple[Observation, ObservationSource]],
    ) -> None:
        for name, member in incident.members.items():
            if name not in found and (member.recovered or self._surroundings.is_well(now, name)):
                member.recovered = True
        if all(member.recovered for member in incident.members.values()):
            self._record_peak(now, incident)  # the closing note counts to the very end
            incident.resolve(now)
            self._incident_log.mark_changed(incident)

    def _pass_time(self, now: float, incident: Incident) -> None:
        if incident.phase is Phase.CLOSED:
            return
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
                return
        else:
            if now - incident.peak_recorded_at >= _PEAK_INTERVAL:
                self._record_peak(now, incident)
            if not incident.muted_by:
                self._advance(now, incident)
        if flap_note_due(incident, now):
            incident.add_note(now, self._flap_note(now, incident))
            incident.flap_notes += 1
            self._incident_log.mark_changed(incident)

    def _flap_note(self, now: float, incident: Incident) -> str:
        """Return a note about the recoveries and relapses that no message has told yet."""
        facts, openings = self._facts(incident), incident.flap_openings
        if incident.upgraded_to and not openings:
            return notes.upgraded_note(incident.upgraded_to, facts)
        if incident.phase is Phase.RESOLVING and not openings:
            return notes.recovered_note(incident, facts, now)
        if incident.phase is Phase.ACTIVE and openings == 1:
            return notes.reopened_note(incident, facts, now)
        return notes.flap_note(incident, facts, incident.flapped_at, now, openings)

    def _advance(self, now: float, incident: Incident) -> None:
        if not incident.first_due_at:
            incident.notify_at = first_notice_at(incident)
            if now >= incident.notify_at:
                incident.first_due_at = now
                incident.revision += incident.composed_at < now  # what leaves is of now
                self._incident_log.mark_changed(incident)
        texts = StageTexts(
            stage=lambda: notes.stage_note(incident, self._facts(incident), now),
            reminder=lambda: notes.reminder(incident, self._facts(incident), now),
        )
        if advance(incident, now, texts):
            self._incident_log.mark_changed(incident)

    def _can_close(self, now: float, incident: Incident) -> bool:
        """Return True if the incident can close.

        At once if no receiver was or will be notified, else after `resolve_after`. What waits for
        `degraded_after` goes on if it comes back.
        """
        missed = incident.first_due_at and incident.rules.notify_missed
        waits = not (incident.first_due_at or incident.muted_by)
        if not (incident.maybe_notified or missed or waits):
            return True
        if not self._surroundings.may_close(now, incident.id):
            return False
        return now - incident.resolving_since >= self._settings.alerts.resolve_after

    def _close(self, now: float, incident: Incident) -> None:
        reason, public_url = self._closing_reason(incident), self._settings.public_url
        note = closing_note(incident, reason, now, public_url)
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
