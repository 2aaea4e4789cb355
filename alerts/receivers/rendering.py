"""Texts that receivers of messages have in common. Pure: nothing is sent, no secret is known."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from breakerd.alerts.content.closing import resolved_line
from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.step import Step, StepKind
from breakerd.alerts.model.text import names_within

_MAX_NAMED: Final = 3
"""Maximum number of breakers in a headline."""
_DRILL: Final = "[DRILL] "
_LINK_LINE: Final = re.compile(r"([A-Z][\w -]{0,39}): (https?://\S+)")
"""Line of a description that is a link and nothing else."""
_WHAT: Final = "What: "
_BRIEF: Final = ("Impact: ", "Next: ", "Do: ")
"""Lines of a description that a short message has below its first line."""
_OF_THE_TIME: Final = (
    "State", "WouldBeState", "Cause", "Evidence", "CallsSinceOpened", "RejectedSinceOpened",
    "FailedSinceOpened", "LatencyPercentileMs", "LatencyThresholdMs", "Trend",
    "TrendSlopePercentPerCall", "MemoryUsagePercent", "MemoryThresholdPercent",
)  # fmt: skip
"""Details that hold figures: those of the last text, and not of a later note or the end."""
_LINKS: Final = ("Incident", "Runbook", "Dashboard")
"""Details that are links, the most useful first."""


def headline(incident: Incident, step: Step, receiver: str) -> str:
    """Return the first line of a message: all that a notification on a phone shows."""
    if step.kind is StepKind.CLOSE:
        return f"{resolved(incident)}: {subject(incident)}"
    if step.kind is StepKind.NOTE:
        return f"{_mark(incident, step.note)}{subject(incident)}: {first_line(step.note)}"
    found = message(incident, content_for(incident, receiver))
    return f"{priority(incident, step)} {found}"


def resolved(incident: Incident) -> str:
    """Return how long the incident lasted, and how urgent it was."""
    return (_DRILL if incident.drill else "") + resolved_line(incident)


def message(incident: Incident, content: AlertContent) -> str:
    """Return the message of the alert; a drill is marked, whatever template composed it."""
    return _mark(incident, content.message) + content.message


def subject(incident: Incident) -> str:
    """Return the names of the first breakers, and the number of the others."""
    names = list(incident.members)
    more = len(names) - _MAX_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    return ", ".join(names[:_MAX_NAMED]) + rest


def all_names(incident: Incident, room: int) -> str:
    """Return the names of all breakers; of those that do not fit into `room`, their number."""
    return names_within(list(incident.members), room)


def further_names(incident: Incident, content: AlertContent, room: int) -> str:
    """Return the line that names all breakers of a group; empty if the description has it."""
    names = len(incident.members) > 1 and "Breakers: " not in content.description
    return f"Breakers: {all_names(incident, room)}" if names else ""


def priority(incident: Incident, step: Step) -> str:
    """Return the priority that the alert has after the step."""
    return step.priority or incident.priority


def since(incident: Incident) -> str:
    """Return when the incident began, as RFC 3339 in UTC with seconds."""
    return datetime.fromtimestamp(incident.opened_at, UTC).isoformat(timespec="seconds")


def content_for(incident: Incident, receiver: str) -> AlertContent:
    """Return the content for a receiver: the smallest one if it rejected the full one."""
    delivery = incident.deliveries.get(receiver)
    return incident.content.minimal() if delivery and delivery.reduced else incident.content


def split_links(content: AlertContent) -> tuple[str, dict[str, str]]:
    """Return the description without the lines that are links, and the links by their names."""
    links = {name: content.details[name] for name in _LINKS if content.details.get(name)}
    kept = []
    for line in content.description.splitlines():
        if found := _LINK_LINE.fullmatch(line.strip()):
            links.setdefault(found[1], found[2])
        else:
            kept.append(line)
    return "\n".join(kept).strip(), links


def event_content(incident: Incident, step: Step, receiver: str) -> AlertContent:
    """Return the content for an event: of a note and of the end it is what they tell."""
    content = content_for(incident, receiver)
    if step.kind not in {StepKind.NOTE, StepKind.CLOSE}:
        return replace(content, message=message(incident, content))
    details = {name: each for name, each in content.details.items() if name not in _OF_THE_TIME}
    text = headline(incident, step, receiver)
    return replace(content, message=text, description=step.note, details=details)


def without_repeats(text: str, content: AlertContent) -> str:
    """Return a description without its first line, if the message of the alert says all of it."""
    first, _, rest = text.partition("\n")
    said = first.removeprefix(_WHAT).removesuffix(".")
    _, _, cause = said.partition(": ")
    told = said in content.message or (cause and cause in content.message)
    return rest if first.startswith(_WHAT) and told else text


def brief(content: AlertContent) -> str:
    """Return the lines that say what it means, what happens next and what to do; or nothing."""
    lines = content.description.splitlines()
    return "\n".join(line for line in lines if line.startswith(_BRIEF))


def stage_text(step: Step, content: AlertContent) -> str:
    """Return the note of a step, unless it is a stage whose description says the same."""
    said = step.kind is StepKind.PRIORITY and brief(content)
    return "" if said else step.note


def first_line(text: str) -> str:
    """Return the first line of a text that may be empty."""
    return text.partition("\n")[0]


def _mark(incident: Incident, text: str) -> str:
    return _DRILL if incident.drill and not text.startswith(_DRILL) else ""
