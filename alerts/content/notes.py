"""Texts of the notes on an alert. Pure: the facts and `now` are passed in."""

from collections.abc import Sequence
from typing import Final

from breakerd.alerts.content.composer import cause, state_summary
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import format_duration, ordinal
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import State

_MAX_NAMED: Final = 10
"""Maximum number of breakers that a note names."""
_CLOSING_REASONS: Final = {
    "recovered": "its probes and the ramp went well",
    "reset": "somebody reset it",
    "operator": "an operator",
    "manual": "an operator",
    "memory_recovered": "memory is back below its threshold",
}
"""Text for the reasons to close whose own name is not clear enough."""
_UNKNOWN_STATE: Final = "Its breaker is no longer configured, or its process has ended."

Facts = Sequence[AlertContext]
"""Facts of all breakers of an incident, in all processes."""


def stage_note(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note of the stage that the incident has just entered."""
    age = format_duration(now - incident.opened_at)
    return f"Still open after {age}, now {incident.priority}. {_describe(incident, facts)}"


def reminder(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note that reminds of an incident that is still open."""
    return f"Still open after {format_duration(now - incident.opened_at)}. " + _describe(
        incident, facts
    )


def recovered_note(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note that the cause is gone."""
    lasted = format_duration(now - incident.opened_at)
    return f"Well again after {lasted}. {_describe(incident, facts)}"


def reopened_note(incident: Incident, facts: Facts) -> str:
    """Return the note that the cause is back."""
    return f"Open again, for the {ordinal(incident.episodes)} time. {_cause(facts)}"


def upgraded_note(kind: str, facts: Facts) -> str:
    """Return the note that the incident is of a more severe kind now."""
    return f"Now {kind}: {_cause(facts)}"


def closing_note(incident: Incident, reason: str, now: float) -> str:
    """Return the last note of an incident; `reason` tells what ended it, empty if unknown."""
    lasted = (incident.resolving_since or now) - incident.opened_at
    times = f", {incident.episodes} times open" if incident.episodes > 1 else ""
    parts = [f"Over: it lasted {format_duration(lasted)}{times}."]
    if incident.peak is not None:
        parts.append(incident.peak.sentence())
    if incident.counts.rejected:
        parts.append(f"{incident.counts.rejected:,} calls rejected.")
    if reason:
        parts.append(f"Ended by: {reason}.")
    return " ".join(part for part in parts if part)


def closing_reason(event: Transition) -> str:
    """Return in a few words what ended the trouble of a breaker."""
    text = _CLOSING_REASONS.get(event.reason.value) or event.reason.value.replace("_", " ")
    if event.to_state in {State.DISABLED, State.OBSERVE}:
        text = f"it is switched to {event.to_state.value}"
    return f"{text} ({event.note})" if event.note else text


def joined_note(names: Sequence[str], total: int) -> str:
    """Return the note that names the breakers that joined, and the total number of breakers."""
    more = len(names) - _MAX_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return f"Also open: {', '.join(names[:_MAX_NAMED])}{rest} ({total:,} in all)."


def _describe(incident: Incident, facts: Facts) -> str:
    """Return the state of the breaker from the first process that knows it."""
    own = (context for context in facts if context.status["name"] == incident.breaker)
    first = next(own, None)
    return state_summary(first.status) if first else _UNKNOWN_STATE


def _cause(facts: Facts) -> str:
    return cause(facts[0]) if facts else ""
