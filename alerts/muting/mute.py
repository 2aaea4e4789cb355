"""Muting: why an incident is not delivered now. A silence, a maintenance window or an inhibition.

"Muted" as in Alertmanager: silenced, inhibited or within a time window.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.muting.inhibition import (
    MEMORY_INHIBITS_LATENCY,
    find_inhibitor,
    is_inhibited,
    may_inhibit,
)
from breakerd.alerts.settings.alerting import AlertsSettings

FindSilence = Callable[[Subject, float], Silence | None]
"""Return a silence that mutes an alert about a subject at a time; None if none does."""


@dataclass(slots=True)
class Candidate:
    """Breaker that people would be notified of, were it not held back.

    Attributes:
        subject: its properties.
        words: its name and trouble, in a few words.
        held_by: what has held it back so far, as a sentence; empty if nothing did.
        notify_at: end of its cooldown, in seconds since the epoch; 0 if it has none.
        new: True if it has no incident yet.
        well: True if its trouble is gone, so that it explains no other.
    """

    subject: Subject
    words: str
    held_by: str = ""
    notify_at: float = 0.0
    new: bool = False
    well: bool = False


def find_holds(
    candidates: Sequence[Candidate], now: float, find_silence: FindSilence, settings: AlertsSettings
) -> None:
    """Set in each candidate what holds it back at `now`.

    A silence or a maintenance window, then an incident that explains it, then its cooldown. What is
    muted explains nothing, or two that explain each other would both stay muted. Of new ones, any
    may explain another, whatever their order; none mutes an older one in the same round.
    """
    windows = [hold_reason(each.subject, now, find_silence, settings) for each in candidates]
    own = {"memory-first": MEMORY_INHIBITS_LATENCY} if settings.inhibit_latency_on_memory else {}
    rules = own | settings.inhibition
    sources = [
        (each, bool(window) or is_inhibited(each.held_by))
        for each, window in zip(candidates, windows, strict=True)
        if rules and not each.well and may_inhibit(each.subject, rules)
    ]
    muted = {id(each): is_muted for each, is_muted in sources}

    def explaining(target: Candidate) -> Iterator[tuple[Subject, str]]:
        for source, _ in sources:
            if source is not target and not muted[id(source)] and (target.new or not source.new):
                yield source.subject, source.words

    for each, window in sorted(zip(candidates, windows, strict=True), key=lambda pair: pair[0].new):
        held = window or (find_inhibitor(each.subject, explaining(each), rules) if sources else "")
        if id(each) in muted:
            muted[id(each)] = bool(held)
        each.held_by = held or _cooldown(each, now)


def _cooldown(candidate: Candidate, now: float) -> str:
    if now >= candidate.notify_at:
        return ""
    end = datetime.fromtimestamp(candidate.notify_at, UTC).strftime("%d %b %H:%M:%S UTC")
    return f"cooldown until {end}: an alert about the same cause was sent shortly before"


def hold_reason(
    subject: Subject, now: float, find_silence: FindSilence, settings: AlertsSettings
) -> str:
    """Return the silence or maintenance window that holds `subject` back; empty if none does."""
    silence = find_silence(subject, now)
    if silence is not None:
        end = _format_time(silence.ends_at)
        return f"silenced by {silence.author} until {end}: {silence.reason}"
    for name, window in settings.maintenance.items():
        if window.holds(subject, now):
            end = _format_time(window.ends_at(now) or now)
            return f"maintenance {name} until {end}: {window.reason}"
    return ""


def subjects_of(incident: Incident) -> list[Subject]:
    """Return the properties of each breaker of an incident, as silences are compared with them."""
    return [subject_of(incident, name, member) for name, member in incident.members.items()]


def subject_of(incident: Incident, breaker: str, member: Member) -> Subject:
    """Return the properties of one breaker of an incident."""
    drill = "true" if incident.drill else "false"
    tags = labels_of(incident.content.tags)
    return subject(tags, breaker, member.kind, member.reason, incident.priority, drill)


def subject(
    tags: dict[str, str], breaker: str, kind: str, reason: str, priority: str, drill: str
) -> Subject:
    """Return the properties of one breaker; `tags` are those of its alert."""
    labels = {
        **tags, "Breaker": breaker, "AlertType": f"breaker-{kind}", "kind": kind,
        "reason": reason or kind, "priority": priority, "drill": drill,
    }  # fmt: skip
    return Subject((breaker,), labels)


def labels_of(tags: Iterable[str]) -> dict[str, str]:
    """Return the tags of an alert, `key:value`, as labels; of equal keys the first counts."""
    parts = (tag.partition(":") for tag in reversed(list(tags)))
    return {key: value for key, _, value in parts}


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %H:%M UTC")
