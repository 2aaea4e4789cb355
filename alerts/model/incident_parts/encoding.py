"""Encoding of an incident as JSON-able data."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

from breakerd.alerts.model.content import AlertContent
from breakerd.alerts.model.delivery import DeliveryState
from breakerd.alerts.model.figures import CallCounts, PeakFigures
from breakerd.alerts.model.incident_parts.member import Member
from breakerd.alerts.model.incident_parts.rules import Rules
from breakerd.alerts.model.note import Hold, Note
from breakerd.alerts.model.stage import Stage


def encoded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an incident, by name, as JSON-able data."""
    peak = values["peak"]
    return values | {
        "stages": [asdict(stage) for stage in values["stages"]],
        "content": values["content"].as_dict(),
        "rules": asdict(values["rules"]),
        "peak": asdict(peak) if peak else None,
        "counts": asdict(values["counts"]),
        "holds": [asdict(hold) for hold in values["holds"]],
        "notes": [asdict(note) for note in values["notes"]],
        "plans": {name: [asdict(s) for s in plan] for name, plan in values["plans"].items()},
        "members": {name: member.as_list() for name, member in values["members"].items()},
        "deliveries": {name: asdict(d) for name, d in list(values["deliveries"].items())},
    }


def decoded(data: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an incident from `encoded` data.

    The data may be of another version, whose alert is still open: what it lacks has its default,
    and what is unknown here is left out.

    Raises:
        TypeError, KeyError, ValueError: the data does not describe an incident.
    """
    peak, deliveries = data.get("peak"), data["deliveries"]
    return data | {
        "stages": _stages(data["stages"]),
        "plans": {name: _stages(plan) for name, plan in data.get("plans", {}).items()},
        "content": AlertContent.from_dict(known(AlertContent, data["content"])),
        "rules": Rules(**known(Rules, data["rules"])),
        "peak": PeakFigures(**known(PeakFigures, peak)) if peak else None,
        "counts": CallCounts(**known(CallCounts, data.get("counts", {}))),
        "holds": [Hold(**known(Hold, hold)) for hold in data.get("holds", ())],
        "notes": [_note(note, data["opened_at"]) for note in data.get("notes", ())],
        "stage_times": [(at, priority) for at, priority in data.get("stage_times", ())],
        "members": {
            name: Member(*member[: len(fields(Member))])
            for name, member in data.get("members", {}).items()
        },
        "deliveries": {
            name: DeliveryState.from_dict(known(DeliveryState, each))
            for name, each in deliveries.items()
        },
    }


def known(record: "type[DataclassInstance]", data: dict[str, Any]) -> dict[str, Any]:
    """Return those of the values that `record` has attributes for."""
    return {each.name: data[each.name] for each in fields(record) if each.name in data}


def _stages(data: list[dict[str, Any]]) -> tuple[Stage, ...]:
    return tuple(Stage.from_dict(known(Stage, stage)) for stage in data)


def _note(data: dict[str, Any] | str, at: float) -> Note:
    """Return a note. Earlier versions wrote its text alone."""
    return Note(at, data) if isinstance(data, str) else Note(**known(Note, data))
