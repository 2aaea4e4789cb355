"""Description of an alert: what to know and to do first, then the measurements behind it."""

import re
from operator import attrgetter
from typing import Final

from breakerd.alerts.content.facts import BreakerFacts
from breakerd.alerts.content.sentences.impact import impact
from breakerd.alerts.content.sentences.measurements import (
    in_flight_line,
    latency_lines,
    load_line,
    memory_line,
    transition_lines,
)
from breakerd.alerts.content.sentences.next_steps import next_step
from breakerd.alerts.content.sentences.sparkline import latency_over_time
from breakerd.alerts.content.summary import Summary
from breakerd.alerts.content.topics import Topic, action, cause_topic, topic_of
from breakerd.alerts.content.wording import NOBODY_NAMED, cause_of, operator_note
from breakerd.alerts.model.limits import DESCRIPTION
from breakerd.alerts.model.text import format_duration, format_time, names_within, truncate
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.breaker.events.events import Evidence

_MAX_LISTED: Final = 10
"""Maximum number of breakers of a group that have a line of their own, the worst."""
_MAX_LINE: Final = 120
"""Maximum number of characters of such a line."""
_MAX_HOLDS: Final = 3
"""Maximum number of times listed in which it was held back, the latest."""
_MAX_NAMES: Final = 13_000
"""Maximum number of characters for the names of breakers: a thousand of common length."""
_UNTIL: Final = re.compile(r" until [^:]*?\d\d:\d\d(?::\d\d)? UTC")


def description(summary: Summary, settings: OpsGenieSettings, links: dict[str, str]) -> str:
    """Return the description, of at most 15,000 characters.

    Args:
        summary: the incident.
        settings: what it contains.
        links: addresses by their names.
    """
    top = "\n".join([*drill_lines(summary), *_first_lines(summary), *_links(links)])
    named = ""
    if len(summary.names) > 1:
        each = _each(summary)
        room = min(_MAX_NAMES, DESCRIPTION - len(top) - len(each) - _MAX_LINE)
        named = f"\n{each}\nBreakers: {names_within(summary.names, room)}"
        if len(summary.breakers) < len(summary.names):
            named += f"\nFigures: of {len(summary.breakers):,} of {len(summary.names):,} breakers."
    rest = ["", *_measurements(summary, settings)]
    if about := about_service(settings):
        rest += ["", *about]
    return truncate("\n".join([top, *([named] if named else []), *rest]), DESCRIPTION)


def drill_lines(summary: Summary) -> list[str]:
    """Return what to know of a drill; empty if it is none."""
    if not summary.incident.drill:
        return []
    fact = "Calls are really rejected meanwhile" if summary.worst.rejects else "No call is rejected"
    return [f"This is a drill: somebody started it, and the dependency may be well. {fact}.", ""]


def since(summary: Summary) -> str:
    """Return when the incident began, with its age."""
    at = format_time(summary.incident.opened_at, summary.now)
    times = summary.incident.episodes
    again = f"; it came back {_times(times - 1)} since" if times > 1 else ""
    ago = f"{format_duration(summary.age)} ago" if summary.age >= 1 else "now"
    return f"{at} UTC ({ago}{again})"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


def held_lines(summary: Summary) -> list[str]:
    """Return when the alert was held back, and by what."""
    lines = []
    for hold in summary.incident.holds[-_MAX_HOLDS:]:
        begun = format_time(hold.since, summary.now, seconds=False)
        ended = format_time(hold.until, summary.now, seconds=False) if hold.until else "now"
        by = _UNTIL.sub("", hold.by) if hold.until else hold.by
        lines.append(f"{begun}–{ended} UTC: {by}")  # noqa: RUF001 - from one time to the other
    return lines


def todo(summary: Summary) -> str:
    """Return what to do first, as a sentence."""
    topic = Topic.DRILL if summary.incident.drill else summary.topic
    told = action(topic, summary.worst.name)
    who, _ = operator_note(summary.worst)
    if who != NOBODY_NAMED:
        told = told.replace("whoever opened it", who)
    return f"{told}."


def about_service(settings: OpsGenieSettings) -> list[str]:
    """Return the lines about the service and its people, as far as they are set."""
    contact = settings.contact_details
    rows = {
        "Service": " ".join(filter(None, [settings.api_name, settings.api_version])),
        "Description": settings.api_description,
        "Owner": settings.api_owner,
        "Importance": settings.api_priority or settings.service_tier,
        "Depends on": ", ".join(settings.api_dependencies),
        "Endpoints": ", ".join(settings.api_endpoints),
        "Contact": ", ".join(
            filter(None, [contact.primary_contact, contact.slack_channel, contact.phone_number])
        ),
        "Escalation": contact.escalation_team,
        "Further contacts": ", ".join(contact.additional_emails),
    }
    return [f"{name}: {value}" for name, value in rows.items() if value]


def _first_lines(summary: Summary) -> list[str]:
    name = _who(summary)
    by = "; it was: " if summary.over else ": "
    cause = f"{by}{summary.cause_in_group}" if summary.cause else ""
    lines = [f"What: {name}{summary.condition}{cause}."]
    lines += [f"Also: {more.sentence()}." for more in _further(summary)]
    if summary.worst.note and summary.topic is not Topic.OPERATOR:
        lines.append(f"Note: {summary.worst.note}")
    if place := _place(summary):
        lines.append(f"Where: {place}")
    lines.append(f"Since: {since(summary)}")
    lines += [f"Held back: {line}" for line in held_lines(summary)]
    lines += [
        f"Impact: {impact(summary)}.",
        f"Next: {next_step(summary)}",
        f"Do: {todo(summary)}",
    ]
    return lines


def _place(summary: Summary) -> str:
    """Return in which processes and hosts calls are rejected; empty where only one host is known.

    A single process, host or zone is named.
    """
    spread = summary.worst.spread
    if summary.over or len(summary.names) > 1 or not (spread.known and spread.rejecting):
        return ""
    if spread.where and spread.scope != "fleet":
        return f"only {spread.where} ({spread.processes:,} processes in all)"
    if spread.hosts == 1 or spread.rejecting < spread.processes:
        return ""  # or the first line tells it
    return f"all {spread.processes:,} processes, on all {spread.hosts:,} hosts"


def _further(summary: Summary) -> list[Evidence]:
    """Return the evidence of what else is wrong with the worst breaker."""
    worst = summary.worst
    first = worst.evidence()
    every = [*([first] if first else []), *worst.further_evidence]
    return [each for each in every if cause_topic(worst, each) is not summary.topic]


def _who(summary: Summary) -> str:
    if len(summary.names) == 1:
        return f"{summary.names[0]} "
    members = summary.incident.members.values()
    well = sum(member.recovered for member in members)
    again = f" ({well:,} of them well again)" if well and not summary.over else ""
    return f"{len(summary.names):,} breakers{again} "


def _links(links: dict[str, str]) -> list[str]:
    return [f"{name}: {url}" for name, url in links.items() if url]


def _each(summary: Summary) -> str:
    """Return a line for each of the worst breakers."""
    worst = sorted(summary.active, key=attrgetter("severity"), reverse=True)
    return "\n".join(_line(each) for each in worst[:_MAX_LISTED])


def _line(facts: BreakerFacts) -> str:
    cause = cause_of(facts, topic_of(facts))
    state = facts.shown_state or "state unknown"
    return truncate(f"- {facts.name}: {state}" + (f", {cause}" if cause else ""), _MAX_LINE)


def _measurements(summary: Summary, settings: OpsGenieSettings) -> list[str]:
    worst, lines = summary.worst, list[str]()
    over_time = latency_over_time(summary.history, worst.percentile, summary.now)
    if len(summary.names) > 1:
        lines.append(f"Measurements of {worst.name}:")
    if settings.include_latency_metrics and summary.topic is Topic.HANG:
        # No call has ended since: these figures show that it was well before.
        line = latency_lines(worst)[0]
        known = worst.latency_ms is not None
        lines.append(line.replace("Latency:", "Latency before that:", 1) if known else line)
        lines += [f"Latest:  {over_time}"] if over_time else []
    elif settings.include_latency_metrics:
        lines += latency_lines(worst, over_time)
    if settings.include_memory_metrics:
        lines.append(memory_line(worst))
    lines += [line for line in [load_line(worst), in_flight_line(worst)] if line]
    if happened := transition_lines(worst, summary.incident, summary.now):
        lines += ["", "Recently:", *happened]
    return lines
