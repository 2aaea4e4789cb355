"""Gathering of a report from an incident and what is recorded of its time. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from breakerd.alerts.content.closing import names_of, what_was_wrong
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident, Phase
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.text import format_time
from breakerd.alerts.pictures.chart import Chart, ChartMark, chart_of
from breakerd.alerts.report.material import Material, span_of
from breakerd.alerts.report.rejections import rejected_calls
from breakerd.alerts.report.report import (
    BreakerSection,
    IncidentReport,
    ReceiverSection,
    Timing,
)
from breakerd.alerts.report.timeline import MAX_MOMENTS, timeline
from breakerd.alerts.report.timings import timings, well_at
from breakerd.breaker.record import event as kinds
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.states import State

MAX_SECTIONS: Final = 20
"""Maximum number of breakers of a report that have a section of their own."""
_MAX_POINTS: Final = 240
"""Maximum number of points of a chart."""
_WIDTHS: Final = (10.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 21_600.0, 86_400.0)
"""Seconds of a point, the first with which a chart has few enough."""
_USUAL: Final = 0.95
_OPENED: Final = {State.OPEN.value, State.FORCED_OPEN.value}
_BEFORE: Final = 5.0
"""Seconds before the trouble of a breaker from which a transition belongs to it."""
_FACTS: Final = {"Service", "Environment", "Host", "Team"}
"""Details of an alert that say where it is."""


def gather(incident: Incident, material: Material, now: float) -> IncidentReport:
    """Return the report of an incident.

    Args:
        incident: the incident.
        material: what else is known of its time.
        now: seconds since the epoch.
    """
    names = list(incident.members)
    first = incident.breaker
    found = timings(
        incident, material.slots.get(first, ()), material.percentiles.get(first, _USUAL)
    )
    moments = timeline(incident, material.events)
    missing = list(material.missing)
    if len(moments) > MAX_MOMENTS:
        missing.append(f"{len(moments) - MAX_MOMENTS:,} entries in the middle of the timeline")
        moments = [*moments[: MAX_MOMENTS // 2], *moments[-MAX_MOMENTS // 2 :]]
    return IncidentReport(
        id=incident.id,
        alias=incident.alias,
        message=_message(incident),
        phase=incident.phase.value,
        kind=incident.kind,
        drill=incident.drill,
        priority=incident.priority,
        opened_at=incident.opened_at,
        well_at=well_at(incident),
        closed_at=incident.closed_at or None,
        made_at=now,
        service={k: v for k, v in incident.content.details.items() if k in _FACTS},
        alert=incident.content.description,
        closing=incident.notes[-1].text if incident.closed_at and incident.notes else "",
        timings=tuple(found),
        breakers=tuple(
            _section(incident, name, material, found, now) for name in names[:MAX_SECTIONS]
        ),
        others=tuple(names[MAX_SECTIONS:]),
        timeline=tuple(moments),
        receivers=tuple(_receiver(name, each) for name, each in incident.deliveries.items()),
        missing=tuple(missing),
    )


def _message(incident: Incident) -> str:
    """Return what is wrong; once it is over, what was."""
    wrong = what_was_wrong(incident)
    if incident.phase is Phase.ACTIVE or not wrong:
        return incident.content.message
    return f"{names_of(incident)}: {wrong}"


def _section(
    incident: Incident, name: str, material: Material, found: Sequence[Timing], now: float
) -> BreakerSection:
    member, slots = incident.members[name], material.slots.get(name, ())
    begun, ended = incident.opened_at, well_at(incident) or now
    during = [slot for slot in slots if slot.end > begun - _BEFORE and slot.start <= ended]
    return BreakerSection(
        name=name,
        kind=member.kind,
        since=member.since,
        well=member.recovered or incident.phase is not Phase.ACTIVE,
        episodes=member.episodes,
        tripped=tuple(_tripped(incident, name, member, material.events)),
        chart=_chart(incident, name, material, found, now),
        rejected=rejected_calls(during, ended),
    )


def _chart(
    incident: Incident, name: str, material: Material, found: Sequence[Timing], now: float
) -> Chart:
    start, end = span_of(incident, now)
    width = next((each for each in _WIDTHS if (end - start) / each <= _MAX_POINTS), _WIDTHS[-1])
    start = start // width * width
    marks = [
        ChartMark(each.at, f"{each.name} {format_time(each.at, each.at)}")
        for each in found
        if each.at is not None
    ]
    percentile = material.percentiles.get(name, _USUAL)
    slots = material.slots.get(name, ())
    return chart_of(slots, name, (start, end), width, percentile, marks)


def _tripped(
    incident: Incident, name: str, member: Member, events: Sequence[RecordEvent]
) -> Iterator[str]:
    """Yield what made a breaker trip, each time; what its alert says if that is not recorded."""
    begun = min(incident.opened_at, member.since) - _BEFORE
    recorded = False
    for event in events:
        opens = event.kind == kinds.TRANSITION and event.data.get("to_state") in _OPENED
        if event.breaker != name or event.time < begun or not opens:
            continue
        recorded = True
        sentences = "; ".join(_sentences(event))
        yield f"{format_time(event.time, event.time)} UTC: {sentences or event.text}"
    wrong = what_was_wrong(incident)
    if not recorded and name == incident.breaker and wrong:
        yield wrong


def _sentences(event: RecordEvent) -> Iterator[str]:
    """Yield the evidence of a transition, a sentence each."""
    listed = event.data.get("evidence")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("sentence"):
            yield str(each["sentence"])


def _receiver(name: str, state: DeliveryState) -> ReceiverSection:
    return ReceiverSection(name, tuple(state.told), _outcome(state))


def _outcome(state: DeliveryState) -> str:
    """Return what became of the alert at a receiver."""
    if state.dead_letter_reason:
        return f"given up: {state.dead_letter_reason}"
    if state.closed_manually_at:
        return "closed by somebody"
    if not state.told:
        return "not told"
    closed = "closed" if state.closed else "open"
    return f"{closed}, acknowledged" if state.acknowledged else closed
