"""Effect that changed settings would have had in the last day, from the record of the host."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.replay.history.prediction import Effect, what_would_have_happened
from breakerd.breaker.settings import Settings

_DAY: Final = 86_400.0
_MOST: Final = 3
"""Maximum number of breakers that are looked at: each takes about two seconds."""

Pair = tuple[Settings, Settings]
"""Settings in force, and those that are proposed."""


def last_day(reader: RecordReader, changed: Mapping[str, Pair]) -> dict[str, Any]:
    """Return by breaker what both settings would have done; `problem` if that is not known.

    Args:
        reader: the record of the host.
        changed: settings of the breakers that a change concerns, by their names.
    """
    end = time.time()
    found: dict[str, Any] = {}
    problem = ""
    try:
        recorded = [name for name in changed if name in set(reader.breakers())]
        for name in recorded[:_MOST]:
            slots = reader.slots(name, end - _DAY, end)
            if not slots:
                continue
            predicted = what_would_have_happened(slots, *changed[name])
            found[name] = {
                "calls": predicted.calls,
                "seconds": predicted.seconds,
                "estimated": predicted.estimated,
                "current": _effect(predicted.current),
                "proposed": _effect(predicted.proposed),
                "notes": list(predicted.notes),
            }
        if left := recorded[_MOST:]:
            problem = f"not looked at, as that takes long: {', '.join(left)}"
    except RecordError as error:
        problem = str(error)
    if not found and not problem:
        problem = "the record has no calls of these breakers in the last day"
    return {"breakers": found, "problem": problem or None}


def _effect(effect: Effect) -> dict[str, object]:
    return {name: value for name, value in asdict(effect).items() if name != "trip_times"}
