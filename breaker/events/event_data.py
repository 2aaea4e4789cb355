"""Events as JSON-able data, for streams over HTTP and for the record."""

import math
from dataclasses import fields
from enum import Enum

from breakerd.breaker.events.events import Event, Evidence, SettingsChanged
from breakerd.breaker.events.setting_changes import dotted_changes


def event_data(event: Event) -> dict[str, object]:
    """Return an event as JSON-able data; `type` is the name of its class."""
    values = {each.name: jsonable(getattr(event, each.name)) for each in fields(event)}
    if isinstance(event, SettingsChanged):
        values["changed"] = jsonable(dotted_changes(event.changed))
    return {"type": type(event).__name__, **values}


def jsonable(value: object) -> object:
    """Return a value of an event as JSON-able data."""
    match value:
        case Evidence():
            inner = {each.name: jsonable(getattr(value, each.name)) for each in fields(value)}
            return {**inner, "sentence": value.sentence()}
        case Enum():
            return value.value
        case dict():
            return {str(key): jsonable(item) for key, item in value.items()}
        case tuple() | list():
            return [jsonable(item) for item in value]
        case float():
            return value if math.isfinite(value) else None  # JSON has neither infinity nor NaN
        case _:
            return value
