"""Numbers as the script keeps, takes and gives them: packed, which costs it a fifth of text's time.

The formats are those of `lua/2_pools.lua`: a row for each slot, and sums of members and totals.
"""

import struct
from collections.abc import Iterator
from typing import Final

from breakerd.breaker.fleet.hub.pool import VIEW_SLOTS, contribution
from breakerd.breaker.fleet.messages import WINDOW_SLOTS, BreakerReport, PoolSlot, Totals

ROW: Final = struct.Struct(">i8hiqi2h")
"""Fields of `PoolSlot`."""
SUMS: Final = struct.Struct(">7iqi")
"""Number of members, and the fields of `Totals`."""
_CALLS: Final = struct.Struct(">2i")
_AHEAD: Final = 2
"""Slots after the hub's present one that it takes."""
_MOST: Final = 2**31 - 1


def pack_window(report: BreakerReport) -> bytes:
    """Return the window of a report: its calls and failures, its sums, and the rows of its slots.

    Slots that no view has any more are left out.
    """
    slots = report.slots[-WINDOW_SLOTS:]
    calls, failures = sum(slot.calls for slot in slots), sum(slot.failures for slot in slots)
    parts = [_CALLS.pack(*_limited(calls, failures)), SUMS.pack(1, *_limited(*report.totals))]
    oldest = slots[-1].number - VIEW_SLOTS - _AHEAD if slots else 0
    for number, *columns in slots:
        if number > oldest:
            parts.append(ROW.pack(number, *_limited(*contribution(columns))))
    return b"".join(parts)


def read_sums(numbers: bytes) -> tuple[int, Totals]:
    """Return the number of members and their totals.

    Raises:
        struct.error: the text is too short.
    """
    members, *totals = SUMS.unpack_from(numbers)
    return members, Totals(*totals)


def read_slots(numbers: bytes, oldest: int) -> Iterator[PoolSlot]:
    """Yield the slots that are behind the sums, from the number `oldest` on.

    Raises:
        struct.error: the text has another length.
    """
    for row in ROW.iter_unpack(numbers[SUMS.size :]):
        if row[0] >= oldest:
            yield PoolSlot(*row)


def _limited(*values: int) -> tuple[int, ...]:
    return tuple(min(value, _MOST) for value in values)
