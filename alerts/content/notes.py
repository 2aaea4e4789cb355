"""Texts of the notes on an alert. Pure: the facts and `now` are passed in."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from breakerd.alerts.content.facts import BreakerFacts, by_breaker
from breakerd.alerts.content.measurements import state_summary
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic, topic_of
from breakerd.alerts.content.wording import cause_of
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.figures import PeakFigures
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.text import (
    count_calls,
    format_duration,
    milliseconds,
    names_within,
    ordinal,
    percent,
)
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State

Facts = Sequence[AlertContext]
"""Facts of all breakers of an incident, in all processes."""

_MAX_NAMES: Final = 300
"""Maximum number of characters for the names of breakers in a note."""
_CLOSING_REASONS: Final = {
    "recovered": "its probes and the ramp went well",
    "reset": "somebody reset it",
    "operator": "an operator",
    "manual": "an operator",
    "memory_recovered": "memory is back below its limit",
}
"""Text for the reasons to close whose own name is not clear enough."""
_STILL: Final = {
    Topic.SLOW: "Still slow",
    Topic.MEMORY_HIGH: "Memory still high",
    Topic.OVERLOAD: "Still overloaded",
    Topic.SERVICE_LEVEL: "Service level still missed",
    Topic.ANOMALY: "Still not as usual",
    Topic.MACHINE_LOAD: "Machine still overloaded",
}
_WRONG: Final[dict[str, str]] = {
    Topic.HANG: "calls did not return",
    Topic.OVERLOAD: "more calls came than could be served",
    Topic.SERVICE_LEVEL: "too many calls failed or timed out",
}
"""What was wrong where figures change all the time; the worst and the counts tell how much."""
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
    cause = f" {_sentence(summary.cause)}" if summary.cause else ""
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
    state = _now(own) if _rejecting(incident) else state
    return f"{_flaps(incident, since, now, count)}; {state} now. {_describe(own)}"


def upgraded_note(kind: str, facts: Facts) -> str:
    """Return the note that the incident is of a more severe kind now."""
    found = by_breaker((), facts)
    worst = next((each for each in found if each.first.kind == kind), found[0] if found else None)
    if worst is None:
        return f"Now {_KINDS.get(kind, kind)}."
    cause = cause_of(worst, topic_of(worst))
    return f"Now {_KINDS.get(kind, kind)}" + (f": {cause}." if cause else ".")


def closing_note(incident: Incident, reason: str, now: float) -> str:
    """Return the last note of an incident; `reason` tells what ended it, empty if unknown."""
    lasted = (incident.resolving_since or now) - incident.opened_at
    times = f", {incident.episodes} times" if incident.episodes > 1 else ""
    parts = [f"Over: it lasted {format_duration(lasted)}{times}."]
    if wrong := _WRONG.get(incident.content.topic) or incident.content.cause:
        parts.append(f"What was wrong: {wrong}.")
    if worst := _worst(incident):
        parts.append(f"Worst: {worst}.")
    parts.append(_rejected(incident))
    if reason and not (incident.kind == "degraded" and reason == _CLOSING_REASONS["recovered"]):
        parts.append(f"Ended by: {reason}.")
    return " ".join(part for part in parts if part)


def resolved_line(incident: Incident) -> str:
    """Return the first line of the message that an incident is over."""
    ended = incident.resolving_since or incident.closed_at or incident.opened_at
    lasted = format_duration(ended - incident.opened_at)
    return f"Resolved after {lasted} (was {incident.priority})"


def closing_reason(event: Transition) -> str:
    """Return in a few words what ended the trouble of a breaker; empty if this did not."""
    if event.reason is Reason.WARMUP_ENDED:
        return ""
    text = _CLOSING_REASONS.get(event.reason.value) or event.reason.value.replace("_", " ")
    if event.to_state in {State.DISABLED, State.OBSERVE}:
        text = f"it is switched to {event.to_state.value}"
    return f"{text} ({event.note})" if event.note else text


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
        return f"Would still be {worst.would_be.replace('_', ' ')} after {age}"
    if summary.rejecting_state == "HALF_OPEN":
        return f"Recovering (HALF OPEN), not closed after {age}"
    if worst.rejects:
        return f"Still open after {age}"
    return f"{_STILL.get(summary.topic, 'Still in trouble')} after {age}"


def _again(summary: Summary) -> str:
    worst = summary.worst
    if worst.would_be:
        return f"Would be {worst.would_be.replace('_', ' ')} again"
    if worst.rejects:
        return "Open again"
    still = _STILL.get(summary.topic, "Still in trouble")
    return f"{still.replace('Still ', '').replace('still ', '')} again".capitalize()


def _present(incident: Incident, facts: Facts, now: float) -> str:
    summary = _summary(incident, facts, now)
    if summary is None:
        return _UNKNOWN_STATE
    cause = f"{_sentence(summary.cause)} " if summary.cause else ""
    name = f"{summary.worst.name}: " if len(summary.names) > 1 and cause else ""
    return f"{name}{cause}{_sentence(summary.impact)}"


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
    state = own.would_be or own.state
    would = "would be " if own.would_be else ""
    return would + {"FORCED_OPEN": "forced open"}.get(state, state.replace("_", " ").lower())


def _flaps(incident: Incident, since: float, now: float, count: int) -> str:
    """Return how often the trouble came back since a time, without a stop."""
    often = "once" if count == 1 else f"{count:,} times"
    what = "Opened and closed" if _rejecting(incident) else "Trouble came and went"
    return f"{what} {often} in the last {format_duration(max(1.0, now - since))}"


def _rejecting(incident: Incident) -> bool:
    return incident.kind == "open"


def _worst(incident: Incident) -> str:
    """Return the worst figures of what went wrong; empty if none are known."""
    peak = incident.peak
    if peak is None:
        return ""
    topic = incident.content.topic
    parts = _PEAKS[topic](peak) if topic in _PEAKS else _every(peak)
    return ", ".join(part for part in parts if part)


def _latency(peak: PeakFigures) -> list[str]:
    name, value = f"p{peak.percentile * 100:g}", milliseconds(round(peak.latency_ms))
    return [f"{name} {value}" if peak.latency_ms else ""]


def _errors(peak: PeakFigures) -> list[str]:
    return [f"{percent(peak.error_rate)} errors" if peak.error_rate else ""]


def _memory(peak: PeakFigures) -> list[str]:
    return [f"memory {percent(peak.memory_percent / 100)}" if peak.memory_percent >= 1 else ""]


def _in_flight(peak: PeakFigures) -> list[str]:
    return [f"{count_calls(peak.in_flight)} in flight" if peak.in_flight else ""]


def _every(peak: PeakFigures) -> list[str]:
    return [*_latency(peak), *_errors(peak), *_memory(peak), *_in_flight(peak)]


_PEAKS: Final[dict[str, Callable[[PeakFigures], list[str]]]] = {
    Topic.LATENCY: lambda peak: [*_latency(peak), *_in_flight(peak)],
    Topic.SLOW: lambda peak: [*_latency(peak), *_in_flight(peak)],
    Topic.ERRORS: _errors,
    Topic.SERVICE_LEVEL: _errors,
    Topic.HANG: _in_flight,
    Topic.OVERLOAD: _in_flight,
    Topic.MEMORY: _memory,
    Topic.MEMORY_HIGH: _memory,
    Topic.LOAD: _in_flight,
    Topic.MACHINE_LOAD: _in_flight,
    Topic.ANOMALY: lambda peak: [*_errors(peak), *_in_flight(peak)],
    Topic.OPERATOR: lambda _: [],
    Topic.RESTART: lambda _: [],
}
"""Topic -> the peak figures that belong to it."""


def _rejected(incident: Incident) -> str:
    counts = incident.counts
    if counts.rejected and counts.rejected == counts.all:
        return f"All {counts.rejected:,} calls rejected."
    if counts.rejected:
        share = percent(counts.rejected / counts.all)
        return f"{counts.rejected:,} of {counts.all:,} calls rejected ({share})."
    return "No call was rejected." if counts.all else ""


def _sentence(text: str) -> str:
    """Return `text` as a sentence; names and figures at its beginning stay as they are."""
    if re.match(r"[a-z]+ ", text):
        text = text[:1].upper() + text[1:]
    return f"{text}." if text else ""
