"""Holds: which breakers people are not to be notified of now, in all incidents at once.

Each breaker is held back by itself. So one that is silenced mutes no other in the same alert, and
does not raise it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from breakerd.alerts.content.labels import alert_tags
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Observation
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.muting.mute import Candidate, FindSilence, find_holds, labels_of, subject
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.service_identity import resolve_identity


@dataclass(slots=True)
class Newcomer:
    """Breaker that needs attention and has no incident yet.

    Attributes:
        observation: what was observed.
        notify_at: end of its cooldown, in seconds since the epoch; `since` if it has none.
        held_by: what holds it back, as a sentence; empty if nothing does.
    """

    observation: Observation
    notify_at: float
    held_by: str = ""


class HoldFinder:
    """Finds in one round what holds breakers back.

    Args:
        now: seconds since the epoch.
        find_silence: finds the silence that mutes a breaker.
        settings: maintenance windows, inhibition, tags.
    """

    def __init__(self, now: float, find_silence: FindSilence, settings: AlertingSettings) -> None:
        self._now = now
        self._find_silence = find_silence
        self._settings = settings
        self._tags: dict[str, dict[str, str]] = {}
        """Tags of an alert without its breaker, by "true" for a drill or "false"."""
        self._priority = policy.stages(settings)[0].priority

    def update(
        self, incidents: Iterable[Incident], newcomers: Sequence[Newcomer]
    ) -> tuple[list[Incident], list[Incident]]:
        """Set in all breakers what holds them back.

        Returns:
            The incidents of which something has changed, and those of them that are free now.
        """
        known = [
            (incident, name, member)
            for incident in incidents
            if incident.phase is not Phase.CLOSED
            for name, member in incident.members.items()
            if incident.phase is Phase.RESOLVING or not member.recovered
        ]
        candidates = [self._of_member(*each) for each in known]
        new = [self._of_newcomer(each) for each in newcomers]
        find_holds([*candidates, *new], self._now, self._find_silence, self._settings.alerts)
        for newcomer, candidate in zip(newcomers, new, strict=True):
            newcomer.held_by = candidate.held_by
        changed: dict[str, Incident] = {}
        held: dict[str, list[str]] = {}
        for (incident, _, member), candidate in zip(known, candidates, strict=True):
            if member.held_by != candidate.held_by:
                member.held_by = candidate.held_by
                changed[incident.id] = incident
            held.setdefault(incident.id, []).append(candidate.held_by)
        freed = []
        for incident in {each.id: each for each, _, _ in known}.values():
            muted_by = held[incident.id][0] if all(held[incident.id]) else ""
            if muted_by != incident.muted_by:
                freed += [] if muted_by else [incident]
                incident.mute(self._now, muted_by)
                changed[incident.id] = incident
        return list(changed.values()), freed

    def _of_member(self, incident: Incident, name: str, member: Member) -> Candidate:
        return Candidate(
            self._subject(name, member.kind, member.reason, incident.priority, incident.drill),
            f"{name} {policy.LABELS[member.kind]}",
            member.held_by,
            # A cooldown delays an alert; one that exists goes on.
            notify_at=0.0 if incident.maybe_notified else member.notify_at,
            # A drill that only pages explains nothing.
            well=member.recovered or bool(incident.drill_ends_at),
        )

    def _of_newcomer(self, newcomer: Newcomer) -> Candidate:
        seen = newcomer.observation
        drill = bool(seen.drill)
        return Candidate(
            self._subject(seen.breaker, seen.kind, seen.reason, self._priority, drill),
            f"{seen.breaker} {policy.LABELS[seen.kind]}",
            notify_at=newcomer.notify_at,
            new=True,
        )

    def _subject(
        self,
        breaker: str,
        kind: str,
        reason: str,
        priority: str,
        drill: bool,
    ) -> Subject:
        word = "true" if drill else "false"
        tags = self._tags.get(word)
        if tags is None:
            opsgenie = self._settings.opsgenie
            identity = resolve_identity(opsgenie)
            tags = self._tags[word] = labels_of(
                alert_tags("", kind, opsgenie, identity, drill=drill)
            )
        return subject(tags, breaker, kind, reason, priority, word)
