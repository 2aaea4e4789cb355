"""Reconciler: makes the incidents follow the observations.

It opens, joins, reopens, escalates and closes them.
No decision depends on a received event: each round compares what is with what should be.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from breakerd.alerts.content.composer import compose_group
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import (
    Observation,
    ObservationSource,
    merge_observations,
)
from breakerd.alerts.model.escalation import advance
from breakerd.alerts.model.incident import Incident, Member, Phase
from breakerd.alerts.model.notes import joined_note
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
_UNKNOWN_STATE: Final = "Its breaker is no longer configured, or its process has ended."


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
        joined = []
        for observation, source in found.values():
            joined += self._apply(now, observation, source)
        for incident in {each.id: each for each in joined}.values():
            self._describe_group(incident, found.get(incident.breaker))
        for incident in self._incident_log:
            if incident.phase is Phase.ACTIVE:
                self._mark_recovered(now, incident, found)
            self._pass_time(now, incident)

    # --- breakers that need attention

    def _apply(
        self, now: float, observation: Observation, source: ObservationSource
    ) -> list[Incident]:
        """Bring one breaker's incident up to date; return the incident it has joined, if any."""
        incident = self._incident_log.current(observation.breaker)
        if incident is not None and _is_different(incident, observation):
            self._close(now, incident)
            incident = None
        if incident is None:
            return self._start(now, observation, source)
        member = incident.members[observation.breaker]
        if member.recovered:
            self._relapse(now, incident, member, source.cause(observation))
        elif policy.supersedes(observation.kind, incident.kind):
            self._upgrade(incident, observation, source)
        return []

    def _start(
        self, now: float, observation: Observation, source: ObservationSource
    ) -> list[Incident]:
        """Continue an incident that nobody was notified of, join one, or open one."""
        unnotified = self._incident_log.unnotified(observation.breaker)
        if unnotified is not None and unnotified.drill == bool(observation.drill):
            unnotified.content = source.content(observation)
            unnotified.members = {observation.breaker: Member(observation.kind, now)}
            unnotified.kind = observation.kind
            unnotified.reopen(source.cause(observation))
            self._incident_log.add(unnotified)
        elif group := self._group_for(now, observation):
            self._incident_log.join(group, now, observation.breaker, observation.kind)
            return [group]
        else:
            self._open(now, observation, source)
        return []

    def _describe_group(
        self, incident: Incident, found: tuple[Observation, ObservationSource] | None
    ) -> None:
        """Name the breakers that joined in the alert itself, as long as it was not sent."""
        if found is not None and not incident.maybe_notified:
            observation, source = found
            names = [name for name in incident.members if name != incident.breaker]
            incident.content = compose_group(source.content(observation), names)

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

    def _open(self, now: float, observation: Observation, source: ObservationSource) -> None:
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
            content=source.content(observation),
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
            delay=round(max(0.0, incident.notify_at - now), 1),
        )

    def _relapse(self, now: float, incident: Incident, member: Member, cause: str) -> None:
        """Record that a recovered breaker needs attention again."""
        member.recovered, member.since = False, now
        if incident.phase is Phase.RESOLVING:
            incident.reopen(cause)
        else:
            incident.episodes += 1
        self._incident_log.mark_changed(incident)

    def _upgrade(
        self, incident: Incident, observation: Observation, source: ObservationSource
    ) -> None:
        """Record that the breaker has opened, or has crossed a threshold, in this incident."""
        if not incident.maybe_notified:
            incident.content = source.content(observation)
        degraded = incident.kind == policy.DEGRADED
        since = observation.since if degraded else incident.opened_at
        notify_at = self._notify_at(observation, since)
        stages = policy.stages(self._settings, observation.kind) if degraded else None
        incident.upgrade(observation.kind, notify_at, source.cause(observation), stages)
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
            incident.resolve(now, self._describe_state(incident))
            self._incident_log.mark_changed(incident)

    def _pass_time(self, now: float, incident: Incident) -> None:
        if incident.phase is Phase.CLOSED:
            return
        alerts = self._settings.alerts
        muted_by = mute_reason(incident, now, self._incident_log, self._find_silence, alerts)
        if muted_by != incident.muted_by:
            incident.muted_by = muted_by
            self._incident_log.mark_changed(incident)
        if incident.unannounced and (
            now >= incident.joined_at + _BURST_PAUSE
            or now >= incident.unannounced_since + _MAX_BURST
            or incident.phase is Phase.RESOLVING
        ):
            incident.announce_joined(joined_note)
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
        if advance(incident, now, lambda: self._describe_state(incident)):
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
        self._incident_log.close(now, incident, self._closing_reason(incident))
        missed = incident.first_due_at and incident.rules.notify_missed
        if not incident.notified_at and missed:
            incident.mark_missed(incident.notes[-1])

    def _record_peak(self, now: float, incident: Incident) -> None:
        for source in self._sources:
            if incident.breaker not in source.observations:
                continue
            if figures := source.peak_figures(incident.breaker):
                incident.record_peak(figures)
            incident.peak_recorded_at = now
            self._incident_log.mark_changed(incident)
            return

    def _closing_reason(self, incident: Incident) -> str:
        found = (source.closing_reason(incident.breaker) for source in self._sources)
        return next(filter(None, found), "")

    def _describe_state(self, incident: Incident) -> str:
        """Return the state of the breaker from the first source that knows it."""
        for source in self._sources:
            if sentence := source.describe_state(incident.breaker):
                return sentence
        return _UNKNOWN_STATE


def _is_different(incident: Incident, observation: Observation) -> bool:
    """Return True if the observation needs another incident.

    A drill must not hide a real incident, nor be continued as one.
    """
    if observation.drill is None or observation.drill == incident.drill:
        return False
    return incident.drill or incident.phase is Phase.RESOLVING
