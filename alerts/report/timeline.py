"""Timeline of an incident: what breakers, alerts and people did, in the order of time. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.text import format_duration
from breakerd.alerts.report.report import Moment
from breakerd.breaker.record import event as kinds
from breakerd.breaker.record.event import RecordEvent

MAX_MOMENTS: Final = 1000
"""Maximum number of entries; the middle of a longer one is left out."""


def timeline(incident: Incident, events: Sequence[RecordEvent]) -> list[Moment]:
    """Return the timeline.

    Args:
        incident: the incident; its own steps are told by it, and not by the record.
        events: what the record has of that time.
    """
    own = [*_stages(incident), *_holds(incident), *_notes(incident), *_deliveries(incident)]
    recorded = [_moment(each) for each in events if _belongs(each, incident)]
    return sorted([*own, *recorded], key=lambda each: each.at)


def _belongs(event: RecordEvent, incident: Incident) -> bool:
    if event.kind == kinds.ALERT:
        return False
    return event.breaker is None or event.breaker in incident.members


def _moment(event: RecordEvent) -> Moment:
    return Moment(event.time, event.kind, event.breaker or "", event.text, event.process)


def _stages(incident: Incident) -> Iterator[Moment]:
    yield Moment(incident.opened_at, "alert", "", f"incident opened by {incident.breaker}")
    first = incident.stage_times[0][0] if incident.stage_times else 0.0
    for at, priority in incident.stage_times:
        if at > first and at <= (incident.closed_at or at):
            yield Moment(at, "alert", "", f"stage {priority} was due")
    if incident.closed_at:
        yield Moment(incident.closed_at, "alert", "", "incident closed")


def _holds(incident: Incident) -> Iterator[Moment]:
    for hold in incident.holds:
        lasted = f" for {format_duration(hold.until - hold.since)}" if hold.until else ""
        yield Moment(hold.since, "hold", "", f"held back{lasted}: {hold.by}")


def _notes(incident: Incident) -> Iterator[Moment]:
    for note in incident.notes:
        yield Moment(note.at, "note", "", note.text)


def _deliveries(incident: Incident) -> Iterator[Moment]:
    for name, state in incident.deliveries.items():
        for number, (at, priority) in enumerate(state.told):
            what = f"has the alert, {priority}" if not number else f"has it at {priority}"
            yield Moment(at, "alert", "", f"{name} {what}", name)
        yield from _people(name, state)
        if state.created and state.closed_at:
            yield Moment(state.closed_at, "alert", "", f"{name} has closed the alert", name)
        if state.dead_letter_reason:
            text = f"given up: {state.dead_letter_reason}"
            yield Moment(state.last_problem_at or incident.opened_at, "alert", "", text, name)


def _people(name: str, state: DeliveryState) -> Iterator[Moment]:
    for at, acknowledged in state.acknowledgements:
        what = "acknowledged it" if acknowledged else "withdrew the acknowledgement"
        yield Moment(at, "acknowledgement", "", f"{name} tells that somebody {what}", name)
    if state.closed_manually_at:
        text = f"{name} tells that somebody closed the alert"
        yield Moment(state.closed_manually_at, "acknowledgement", "", text, name)
