"""Why an incident is not told now: a silence, a maintenance window, another that explains it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.matchers import Subject
from breakerd.alerts.model.silence import Silence
from breakerd.alerts.muting.inhibition import MEMORY_INHIBITS_LATENCY, find_inhibitor
from breakerd.alerts.settings.alerting import AlertsSettings


def why_held(
    incident: Incident,
    now: float,
    others: Iterable[Incident],
    silences: Sequence[Silence],
    settings: AlertsSettings,
) -> str:
    """What holds `incident` back at `now`, in a sentence; empty if nothing does."""
    subject = subject_of(incident)
    if silences or settings.maintenance:
        for silence in silences:
            if silence.holds(subject, now):
                end = _moment(silence.ends_at)
                return f"silenced by {silence.author} until {end}: {silence.reason}"
        for name, window in settings.maintenance.items():
            if window.holds(subject, now):
                end = _moment(window.ends_at(now) or now)
                return f"maintenance {name} until {end}: {window.reason}"
    own = {"memory-first": MEMORY_INHIBITS_LATENCY} if settings.inhibit_latency_on_memory else {}
    rules = own | settings.inhibition
    return find_inhibitor(subject, _explaining(incident, others), rules) if rules else ""


def subject_of(incident: Incident) -> Subject:
    """What of an incident can be matched."""
    tags = (tag.partition(":") for tag in incident.content.tags)
    labels = {key: value for key, _, value in tags} | {
        "kind": incident.kind,
        "reason": incident.content.details.get("Reason", incident.kind),
        "priority": incident.priority,
        "drill": "true" if incident.drill else "false",
    }
    return Subject(tuple(incident.members), labels)


def _explaining(incident: Incident, others: Iterable[Incident]) -> Iterator[tuple[Subject, str]]:
    """What may explain `incident`: nothing that is held back itself.

    Else two that explain each other would both be kept from being told.
    """
    for other in others:
        if other is not incident and other.phase is Phase.ACTIVE and not other.held:
            yield subject_of(other), other.content.message


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %H:%M UTC")
