"""Encoding of an incident as JSON-able data."""

from dataclasses import asdict
from typing import Any

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

    Raises:
        TypeError, KeyError, ValueError: the data does not describe an incident.
    """
    deliveries = data["deliveries"]
    return data | {
        "stages": tuple(Stage.from_dict(stage) for stage in data["stages"]),
        "plans": {
            name: tuple(Stage.from_dict(stage) for stage in plan)
            for name, plan in data["plans"].items()
        },
        "content": AlertContent.from_dict(data["content"]),
        "rules": Rules(**data["rules"]),
        "peak": PeakFigures(**data["peak"]) if data.get("peak") else None,
        "counts": CallCounts(**data["counts"]),
        "holds": [Hold(**hold) for hold in data["holds"]],
        "notes": [Note(**note) for note in data["notes"]],
        "stage_times": [(at, priority) for at, priority in data["stage_times"]],
        "members": {name: Member(*member) for name, member in data["members"].items()},
        "deliveries": {name: DeliveryState.from_dict(each) for name, each in deliveries.items()},
    }
