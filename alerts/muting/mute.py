"""Muting: why an incident is not delivered now. A silence, a maintenance window or an inhibition.

"Muted" as in Alertmanager: silenced, inhibited or within a time window.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.muting.inhibition import MEMORY_INHIBITS_LATENCY, find_inhibitor
from breakerd.alerts.settings.alerting import AlertsSettings

FindSilence = Callable[[Subject, float], Silence | None]
"""Return a silence that mutes an alert about a subject at a time; None if none does."""


def mute_reason(
    incident: Incident,
    now: float,
    others: Iterable[Incident],
    find_silence: FindSilence,
    settings: AlertsSettings,
) -> str:
    """Return in a sentence what mutes `incident` at `now`; empty if nothing does."""
    subject = subject_of(incident)
    if held := hold_reason(subject, now, find_silence, settings):
        return held
    own = {"memory-first": MEMORY_INHIBITS_LATENCY} if settings.inhibit_latency_on_memory else {}
    rules = own | settings.inhibition
    if not rules:
        return ""
    return find_inhibitor(subject, _inhibitor_candidates(incident, others), rules)


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


def subject_of(incident: Incident) -> Subject:
    """Return the properties of an incident that matchers can test."""
    labels = labels_of(incident.content.tags) | {
        "kind": incident.kind,
        "reason": incident.content.details.get("Reason", incident.kind),
        "priority": incident.priority,
        "drill": "true" if incident.drill else "false",
    }
    return Subject(tuple(incident.members), labels)


def labels_of(tags: Iterable[str]) -> dict[str, str]:
    """Return the tags of an alert, `key:value`, as labels; of equal keys the first counts."""
    parts = (tag.partition(":") for tag in reversed(list(tags)))
    return {key: value for key, _, value in parts}


def _inhibitor_candidates(
    incident: Incident, others: Iterable[Incident]
) -> Iterator[tuple[Subject, str]]:
    """Yield the active incidents that may inhibit `incident`, each with its message.

    A muted incident is not among them: two that inhibit each other would both stay muted. Nor is
    a drill that only pages, which explains nothing.
    """
    for other in others:
        explains = other.phase is Phase.ACTIVE and not (other.muted_by or other.drill_ends_at)
        if other is not incident and explains:
            yield subject_of(other), other.content.message


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %H:%M UTC")
