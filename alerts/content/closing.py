"""Last words of an incident: what was wrong, how long, how bad, and what ended it. Pure."""

from collections.abc import Callable
from typing import Final

from breakerd.alerts.content.links import page_of
from breakerd.alerts.content.topics import Topic
from breakerd.alerts.model.figures import PeakFigures
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import (
    count_calls,
    format_duration,
    milliseconds,
    names_within,
    percent,
)
from breakerd.breaker.events.events import Transition
from breakerd.breaker.states import Reason, State

_MAX_NAMES: Final = 300
"""Maximum number of characters for the names of breakers in a note."""
_CLOSING_REASONS: Final = {
    "recovered": "probes and the calls after them succeeded",
    "reset": "somebody reset it",
    "operator": "an operator",
    "manual": "an operator",
    "memory_recovered": "memory is back below its limit",
}
"""Text for the reasons to close whose own name is not clear enough."""
_ENDED: Final[dict[str, str]] = {
    Topic.MEMORY: "memory fell below its limit",
    Topic.MEMORY_HIGH: "memory fell below its limit",
    Topic.LOAD: "the load fell below its limit",
    Topic.MACHINE_LOAD: "the load fell below its limit",
    Topic.OVERLOAD: "the limiter turns nobody away any more",
    Topic.SERVICE_LEVEL: "the service level is met again",
    Topic.ANOMALY: "calls are as usual again",
    Topic.SLOW: "calls are fast again",
}
"""End of trouble of each kind, unless somebody ended it."""
_WRONG: Final[dict[str, str]] = {
    Topic.HANG: "calls did not return in time",
    Topic.ERRORS: "calls failed",
    Topic.OVERLOAD: "more calls came than could be served",
    Topic.SERVICE_LEVEL: "too many calls failed or timed out",
}
"""Words for trouble whose figures change all the time; the worst and the counts tell how much."""
_PAST: Final = {
    "more calls fail than usual": "more calls failed than usual",
    "calls are slow and pile up": "calls were slow and piled up",
    "calls pile up and hardly end": "calls piled up and hardly ended",
}
"""Words of what is unusual, and how they are told afterwards."""
_SLOW: Final = {Topic.LATENCY, Topic.SLOW, Topic.RESTART}
"""Topics whose closing note tells the highest latency."""


def closing_note(incident: Incident, reason: str, now: float, public_url: str = "") -> str:
    """Return the last note of an incident, with where its report is.

    Args:
        incident: the incident.
        reason: what ended it; empty if unknown.
        now: seconds since the epoch.
        public_url: address of the admin plane; empty if people cannot reach it.
    """
    lasted = format_duration((incident.resolving_since or now) - incident.opened_at)
    what = "Drill over" if incident.drill else "Over"
    names = f" for {names_of(incident)}" if len(incident.members) > 1 else ""
    parts = [f"{what}{names}: it lasted {lasted}{_came_back(incident)}."]
    wrong, worst = what_was_wrong(incident), _worst(incident)
    if wrong:
        parts.append(f"{'Pretended' if incident.drill else 'What was wrong'}: {wrong}.")
    if worst and worst not in wrong:
        parts.append(f"Worst: {worst}.")
    parts.append(_rejected(incident))
    if ended := _ended_by(incident, reason):
        parts.append(f"Ended by: {ended}.")
    parts.append(_report(incident, public_url))
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
    if event.reason is Reason.RESET and event.actor:
        text = f"reset by {event.actor}"
    if event.to_state in {State.DISABLED, State.OBSERVE}:
        text = f"it is switched to {event.to_state.value}"
    return f"{text} ({event.note})" if event.note else text


def names_of(incident: Incident) -> str:
    """Return the names of its breakers, as far as a note has room."""
    return names_within(list(incident.members), _MAX_NAMES)


def what_was_wrong(incident: Incident) -> str:
    """Return what was wrong, without a stop; latency at its worst. Empty if it is not known."""
    found = _highest(incident) or _WRONG.get(incident.content.topic) or incident.content.cause
    for now, then in _PAST.items():
        found = found.replace(now, then)
    return found


# --- parts


def _report(incident: Incident, public_url: str) -> str:
    """Return where the report of the incident is; empty where nobody was told of it."""
    if not incident.maybe_notified:
        return ""
    if public_url:
        return f"Report: {page_of(incident, public_url)}"
    return f"Report: breakerd incident {incident.id}"


def _came_back(incident: Incident) -> str:
    back = incident.episodes - 1
    return f" and came back {'once' if back == 1 else f'{back:,} times'}" if back > 0 else ""


def _highest(incident: Incident) -> str:
    """Return the highest latency, if that was what was wrong; else an empty text."""
    peak = incident.peak
    limit = peak.latency_threshold_ms if peak else 0.0
    slow = incident.content.topic in _SLOW and not incident.drill
    if peak is None or not slow or peak.latency_ms <= limit:
        return ""
    bound = f" (limit {milliseconds(limit)})" if limit else ""
    highest = milliseconds(round(peak.latency_ms))
    return f"p{peak.percentile * 100:g} latency up to {highest}{bound}"


def _ended_by(incident: Incident, reason: str) -> str:
    """Return what ended it: the end of the cause, unless somebody ended it."""
    if reason in {"", _CLOSING_REASONS["recovered"]}:
        return _ENDED.get(incident.content.topic, reason)
    return reason


def _worst(incident: Incident) -> str:
    """Return the worst figures of what went wrong; empty if none are known."""
    peak = incident.peak
    if peak is None or incident.drill or _highest(incident):
        return ""
    topic = incident.content.topic
    parts = _PEAKS[topic](peak) if topic in _PEAKS else _every(peak)
    return ", ".join(part for part in parts if part)


def _latency(peak: PeakFigures) -> list[str]:
    name, value = f"p{peak.percentile * 100:g}", milliseconds(round(peak.latency_ms))
    return [f"{name} {value}" if peak.latency_ms else ""]


def _errors(peak: PeakFigures) -> list[str]:
    return [f"{percent(peak.error_rate)} of calls failed" if peak.error_rate else ""]


def _memory(peak: PeakFigures) -> list[str]:
    return [f"memory {percent(peak.memory_percent / 100)}" if peak.memory_percent >= 1 else ""]


def _in_flight(peak: PeakFigures) -> list[str]:
    return [f"{count_calls(peak.in_flight)} in flight" if peak.in_flight > 1 else ""]


def _every(peak: PeakFigures) -> list[str]:
    return [*_latency(peak), *_errors(peak), *_memory(peak), *_in_flight(peak)]


def _nothing(_: PeakFigures) -> list[str]:
    return []


_PEAKS: Final[dict[str, Callable[[PeakFigures], list[str]]]] = {
    Topic.LATENCY: _latency,
    Topic.SLOW: _latency,
    Topic.ERRORS: _errors,
    Topic.SERVICE_LEVEL: _errors,
    Topic.HANG: _in_flight,
    Topic.OVERLOAD: _in_flight,
    Topic.MEMORY: _memory,
    Topic.MEMORY_HIGH: _memory,
    Topic.LOAD: _nothing,
    Topic.MACHINE_LOAD: _nothing,
    Topic.ANOMALY: lambda peak: [*_errors(peak), *_in_flight(peak)],
    Topic.OPERATOR: _nothing,
    Topic.RESTART: _nothing,
}
"""Topic -> the peak figures that belong to it."""


def _rejected(incident: Incident) -> str:
    """Return how many calls were rejected, and how many failed."""
    counts = incident.counts
    if not counts.all:
        return ""
    told = f"{counts.error:,} failed ({percent(counts.error / counts.all)})"
    failed = f", {told}" if counts.error else ""
    failed += counts.where
    if counts.rejected == counts.all:
        return f"{_all(counts.rejected)} rejected{failed}."
    if counts.rejected:
        share = percent(counts.rejected / counts.all)
        return f"{counts.rejected:,} of {count_calls(counts.all)} rejected ({share}){failed}."
    if counts.would_reject:
        told = f"{counts.would_reject:,} of {count_calls(counts.all)}"
        return f"No call was rejected (OBSERVE); {told} would have been{failed}."
    if counts.error:
        share = percent(counts.error / counts.all)
        told = f"{counts.error:,} of {count_calls(counts.all)} failed ({share})"
        return f"{told}; none was rejected{counts.where}."
    return f"None of {count_calls(counts.all)} failed or was rejected{counts.where}."


def _all(number: int) -> str:
    return "The one call was" if number == 1 else f"All {number:,} calls"
