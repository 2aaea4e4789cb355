"""Validates request bodies by OpsGenie's limits; invalid ones get 422."""

from typing import Final, TypeGuard

from breakerd.alerts.emulator.state import alerts as stored
from breakerd.alerts.emulator.state.alert import Json
from breakerd.alerts.emulator.state.heartbeats import UNITS

PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
MESSAGE: Final = 130
ALIAS: Final = 512
DESCRIPTION: Final = 15_000
ENTITY: Final = 512
SOURCE: Final = 100
TAG: Final = 50
ACTIONS: Final = 10
ACTION: Final = 50
RESPONDERS: Final = 50
NOTE: Final = 25_000
USER: Final = 100
HEARTBEAT: Final = 200

_RECIPIENTS: Final = ("user", "team", "escalation", "schedule")
_LENGTHS: Final = {
    "message": MESSAGE,
    "alias": ALIAS,
    "description": DESCRIPTION,
    "entity": ENTITY,
    "source": SOURCE,
    "note": NOTE,
    "user": USER,
}
_REQUIRED: Final = {
    "Create": "message",
    "AddNote": "note",
    "UpdatePriority": "priority",
    "AddResponder": "responder",
    "UpdateMessage": "message",
    "UpdateDescription": "description",
    "AddTags": "tags",
    "RemoveTags": "tags",
    "AddDetails": "details",
    "RemoveDetails": "keys",
}


def validation_error(action: str, body: Json) -> str | None:
    """Return what is wrong with the body of `action`; None if nothing is."""
    required = _REQUIRED.get(action)
    if required and not body.get(required):
        return f"{required} can not be empty"
    return (
        _texts_error(body)
        or _priority_error(body)
        or _list_error("tags", body.get("tags", []), stored.TAGS, TAG)
        or _list_error("actions", body.get("actions", []), ACTIONS, ACTION)
        or _keys_error(body.get("keys", []))
        or _details_error(body.get("details", {}))
        or _recipients_error("responders", body.get("responders", []))
        or _recipients_error("visibleTo", body.get("visibleTo", []))
        or _recipients_error("responder", [body["responder"]] if "responder" in body else [])
    )


def heartbeat_validation_error(body: Json) -> str | None:
    """Return what is wrong with the body that creates a heartbeat; None if nothing is."""
    name, interval = body.get("name"), body.get("interval")
    if not isinstance(name, str) or not 0 < len(name) <= HEARTBEAT:
        return f"name must be a string of 1 to {HEARTBEAT} characters"
    if not isinstance(interval, int) or isinstance(interval, bool) or interval < 1:
        return "interval must be an integer, at least 1"
    if body.get("intervalUnit") not in UNITS:
        return f"intervalUnit must be one of {', '.join(UNITS)}"
    if not isinstance(body.get("enabled"), bool):
        return "enabled must be true or false"
    if not isinstance(body.get("description", ""), str):
        return "description must be a string"
    return None


def _texts_error(body: Json) -> str | None:
    for name, longest in _LENGTHS.items():
        value = body.get(name, "")
        if not isinstance(value, str):
            return f"{name} must be a string"
        if len(value) > longest:
            return f"{name} can not be longer than {longest} characters, and has {len(value)}"
    return None


def _priority_error(body: Json) -> str | None:
    if "priority" in body and body["priority"] not in PRIORITIES:
        return f"priority must be one of {', '.join(PRIORITIES)}"
    return None


def _list_error(name: str, items: object, most: int, longest: int) -> str | None:
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return f"{name} must be a list of strings"
    if len(items) > most:
        return f"{name} can not be more than {most}, and are {len(items)}"
    if any(len(item) > longest for item in items):
        return f"none of {name} can be longer than {longest} characters"
    return None


def _keys_error(keys: object) -> str | None:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return "keys must be a list of strings"
    return None


def _details_error(details: object) -> str | None:
    if not _are_strings(details):
        return "details must be a map of strings to strings"
    length = sum(len(key) + len(value) for key, value in details.items())
    if length > stored.DETAILS:
        limit = stored.DETAILS
        return f"details can not be longer than {limit} characters in all, and have {length}"
    return None


def _are_strings(details: object) -> TypeGuard[dict[str, str]]:
    return isinstance(details, dict) and all(isinstance(v, str) for v in details.values())


def _recipients_error(name: str, recipients: object) -> str | None:
    if not isinstance(recipients, list) or len(recipients) > RESPONDERS:
        return f"{name} must be a list of at most {RESPONDERS}"
    for one in recipients:
        if not isinstance(one, dict) or one.get("type") not in _RECIPIENTS:
            return f"each of {name} must have a type: {', '.join(_RECIPIENTS)}"
        if not any(isinstance(one.get(key), str) for key in ("id", "name", "username")):
            return f"each of {name} must have an id, a name or a username"
    return None
