"""What a host tells the others of ten seconds: one entry of the hub with all its breakers."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.fleet.hub.store import Entry
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.schema import FINE
from breakerd.breaker.record.slot_codec import decode_slot, encode_slot

_LONGEST_NAME: Final = 255
"""Characters of the name of a host or breaker."""
_LATEST: Final = 2**33
"""Seconds since the epoch."""
_MOST_BREAKERS: Final = 2000
"""Breakers of an entry that are read."""


class HostSlots(NamedTuple):
    """Sums of the processes of a host for ten seconds.

    Attributes:
        host: name of the host in the fleet.
        start: seconds since the epoch, a multiple of 10.
        slots: sums by breaker.
    """

    host: str
    start: int
    slots: Mapping[str, HistorySlot]


def key_of(host: str, start: int) -> str:
    """Return the key of the entry of a host for a slot."""
    return f"{host}/{start}"


def write_slots(told: HostSlots) -> str:
    """Return the text of an entry."""
    slots = {breaker: encode_slot(slot) for breaker, slot in sorted(told.slots.items())}
    return dumps({"host": told.host, "start": told.start, "slots": slots}, compact=True)


def read_slots(entry: Entry) -> HostSlots:
    """Return what a host has told.

    Raises:
        ValueError: the entry is none of `write_slots`.
    """
    try:
        data = json.loads(entry.value)
        host, start = _name(data["host"]), data["start"]
        if not isinstance(start, int) or not 0 <= start <= _LATEST or start % FINE:
            raise ValueError(f"no slot begins at {start!r:.100}")
        if entry.key != key_of(host, start):
            raise ValueError(f"the entry of {key_of(host, start)!r} has another key")
        slots = dict(list(data["slots"].items())[:_MOST_BREAKERS])
        return HostSlots(
            host,
            start,
            {_name(name): decode_slot(start, FINE, text) for name, text in slots.items()},
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not the slots of a host: {error!r}") from error


def _name(value: Any) -> str:  # as JSON has it
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise ValueError(f"found the name {value!r:.100}; allowed: 1 to {_LONGEST_NAME} characters")
    return value
