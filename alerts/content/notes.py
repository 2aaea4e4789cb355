"""Texts of the notes on an alert. Pure: the facts and `now` are passed in."""

import re
from collections.abc import Sequence
from typing import Final

from breakerd.alerts.content.closing import names_of
from breakerd.alerts.content.facts import BreakerFacts, by_breaker
from breakerd.alerts.content.impact import impact
from breakerd.alerts.content.measurements import state_summary
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic, topic_of
from breakerd.alerts.content.wording import cause_of
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.text import (
    format_duration,
    names_within,
    ordinal,
)

Facts = Sequence[AlertContext]
"""Facts of all breakers of an incident, in all processes."""

_MAX_NAMES: Final = 300
"""Maximum number of characters for the names of breakers in a note."""
_STILL: Final = {
    Topic.SLOW: "Still slow",
    Topic.MEMORY_HIGH: "Memory still high",
    Topic.OVERLOAD: "Still overloaded",
    Topic.SERVICE_LEVEL: "Service level still missed",
    Topic.ANOMALY: "Still not as usual",
    Topic.MACHINE_LOAD: "Machine still overloaded",
}
_KINDS: Final = {
    "open": "open",
    "memory": "memory high",
    "latency": "slow",
    "degraded": "degraded",
}
"""Words for the kinds of an incident."""
_OPENED: Final = {"OPEN", "FORCED_OPEN"}
_UNKNOWN_STATE: Final = "Its breaker is no longer configured, or its process has ended."


def stage_note(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note of the stage that the incident has just entered.

    It is the message for what no other has told yet: that the breaker has opened, recoveries and
    relapses.
    """
    begun = _still(incident, facts, now)
    if incident.upgraded_to:
        age = format_duration(now - incident.opened_at)
        begun = f"Now {_KINDS.get(incident.upgraded_to, incident.upgraded_to)}, after {age}"
    told = f"{begun}, now {incident.priority}. {_present(incident, facts, now)}"
    if not incident.flap_openings:
        return told
    return f"{told} {_flaps(incident, incident.flapped_at, now, incident.flap_openings)}."


def reminder(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note that reminds of an incident that goes on."""
    return f"{_still(incident, facts, now)}. {_present(incident, facts, now)}"


def recovered_note(incident: Incident, facts: Facts, now: float) -> str:
    """Return the note that the cause is gone."""
    ended_at = incident.resolving_since if incident.phase is Phase.RESOLVING else now
    lasted = format_duration(ended_at - incident.opened_at)
    if len(incident.members) > 1:
        return f"{names_of(incident)} are well again after {lasted}."
    own = _own(incident, facts)
    if own is not None and own.state == "DISABLED":
        return f"Disabled after {lasted}: it decides nothing any more. {_describe(own)}"
    if own is not None and own.rejects:
        return f"No reason for an alert any more after {lasted}. {_describe(own)}"
    return f"Well again after {lasted}. {_describe(own)}"


def reopened_note(incident: Incident, facts: Facts, now: float | None = None) -> str:
    """Return the note that the cause is back."""
    summary = _summary(incident, facts, incident.opened_at if now is None else now)
    times = f"for the {ordinal(incident.episodes)} time"
    if summary is None:
        return f"In trouble again, {times}."
    cause = f" {_sentence(summary.cause_for_later)}" if summary.cause else ""
    return f"{_again(summary)}, {times}.{cause}"


def flap_note(
    incident: Incident, facts: Facts, since: float, now: float, times: int | None = None
) -> str:
    """Return one note for all openings and closings since a time.

    Args:
        incident: the incident.
        facts: facts of its breakers.
        since: seconds since the epoch.
        now: seconds since the epoch.
        times: number of openings since then; None: as many as the facts show.
    """
    own = _own(incident, facts)
    shown = [each for each in own.transitions if each.at >= since] if own else []
    opened = sum(each.to_state.value in _OPENED for each in shown)
    count = max(1, opened if times is None else times)
    state = "present" if incident.phase is Phase.ACTIVE else "gone"
    if _opens(incident):
        state = _now(own)
    described = f" {_describe(own)}" if len(incident.members) == 1 else ""
    return f"{_flaps(incident, since, now, count)}; {state} now.{described}"


def upgraded_note(kind: str, facts: Facts) -> str:
    """Return the note that the incident is of a more severe kind now."""
    found = by_breaker((), facts)
    worst = next((each for each in found if each.first.kind == kind), found[0] if found else None)
    if worst is None:
        return f"Now {_KINDS.get(kind, kind)}."
    cause = cause_of(worst, topic_of(worst))
    return f"Now {_KINDS.get(kind, kind)}" + (f": {cause}." if cause else ".")


def joined_note(names: Sequence[str], total: int) -> str:
    """Return the note that names the breakers that joined, and the total number of breakers."""
    return f"Also affected: {names_within(names, _MAX_NAMES)} ({total:,} in all)."


# --- parts


def _still(incident: Incident, facts: Facts, now: float) -> str:
    """Return the words for trouble that goes on, true to the state, with how long it has."""
    age = format_duration(now - incident.opened_at)
    summary = _summary(incident, facts, now)
    if summary is None:
        return f"Still in trouble after {age}"
    worst = summary.worst
    if worst.would_be:
        return f"Would still be OPEN after {age}"
    if worst.rejects:
        return (
            f"Recovering, not closed after {age}"
            if summary.recovering
            else f"Still open after {age}"
        )
    return f"{_STILL.get(summary.topic, 'Still in trouble')} after {age}"


def _again(summary: Summary) -> str:
    worst = summary.worst
    if worst.would_be:
        return "Would be OPEN again"
    if worst.rejects:
        return "Open again"
    still = _STILL.get(summary.topic, "Still in trouble")
    return f"{still.replace('Still ', '').replace('still ', '')} again".capitalize()


def _present(incident: Incident, facts: Facts, now: float) -> str:
    summary = _summary(incident, facts, now)
    if summary is None:
        return _UNKNOWN_STATE
    cause = f"{_sentence(summary.cause_for_later)} " if summary.cause else ""
    name = f"{summary.worst.name}: " if len(summary.names) > 1 and cause else ""
    return f"{name}{cause}{_sentence(impact(summary))}"


def _summary(incident: Incident, facts: Facts, now: float) -> Summary | None:
    """Return the summary of the incident as it is at present; None if nothing is known."""
    return Summary.of(incident, facts, now, present=True) if facts else None


def _own(incident: Incident, facts: Facts) -> BreakerFacts | None:
    """Return the facts of the breaker that caused the incident; None if they are unknown."""
    return next((b for b in by_breaker((), facts) if b.name == incident.breaker), None)


def _describe(own: BreakerFacts | None) -> str:
    return f"{_sentence(state_summary(own))}" if own else _UNKNOWN_STATE


def _now(own: BreakerFacts | None) -> str:
    if own is None:
        return "unknown"
    return "would be open" if own.would_be else own.shown_state.lower()


def _flaps(incident: Incident, since: float, now: float, count: int) -> str:
    """Return how often the trouble came back since a time, without a stop."""
    often = "once" if count == 1 else f"{count:,} times"
    what = "Opened and closed" if _opens(incident) else "Trouble came and went"
    return f"{what} {often} in the last {format_duration(max(1.0, now - since))}"


def _opens(incident: Incident) -> bool:
    """Return True if the states of one breaker tell of the trouble."""
    return incident.kind == "open" and len(incident.members) == 1


def _sentence(text: str) -> str:
    """Return `text` as a sentence; names and figures at its beginning stay as they are."""
    if re.match(r"[a-z]+ ", text):
        text = text[:1].upper() + text[1:]
    return f"{text}." if text else ""
