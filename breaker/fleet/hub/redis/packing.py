"""Numbers as the script keeps, takes and gives them: packed, which costs it a third of text's time.

The formats are those of `lua/2_pools.lua`: a row for each slot, and sums of members and totals.
"""

import struct
from typing import Final

from breakerd.breaker.fleet.hub.pool import contribution
from breakerd.breaker.fleet.messages import WINDOW_SLOTS, BreakerReport, PoolSlot, Totals

ROW: Final = struct.Struct(">i8hiqi2h")
"""Fields of `PoolSlot`."""
SUMS: Final = struct.Struct(">7iqi")
"""Number of members, and the fields of `Totals`."""
_CALLS: Final = struct.Struct(">2i")
RING: Final = 8
"""Rows of a window and of a pool: those that a view has, and two ahead of the hub's clock."""
_NO_ROW: Final = bytes(ROW.size)
_MOST: Final = 2**31 - 1


def pack_window(report: BreakerReport) -> bytes:
    """Return the window of a report: its calls and failures, its sums, and the rows of its slots.

    Each slot has its place; those that no view has any more are left out, and rows if none is left.
    """
    slots = report.slots[-WINDOW_SLOTS:]
    calls, failures = sum(slot.calls for slot in slots), sum(slot.failures for slot in slots)
    parts = [_CALLS.pack(*_limited(calls, failures)), SUMS.pack(1, *_limited(*report.totals))]
    rows = [_NO_ROW] * RING
    for number, *columns in slots:
        if number > slots[-1].number - RING:
            rows[number % RING] = ROW.pack(number, *_limited(*contribution(columns)))
    return b"".join((*parts, *rows) if slots else parts)


def read_sums(numbers: bytes) -> tuple[int, Totals]:
    """Return the number of members and their totals.

    Raises:
        struct.error: the text is too short.
    """
    members, *totals = SUMS.unpack_from(numbers)
    return members, Totals(*totals)


def read_slots(numbers: bytes, oldest: int) -> tuple[PoolSlot, ...]:
    """Return the slots that are behind the sums, from the number `oldest` on, oldest first.

    Raises:
        struct.error: the text has another length.
    """
    rows = sorted(ROW.iter_unpack(numbers[SUMS.size :]))
    return tuple(PoolSlot(*row) for row in rows if row[0] >= oldest and any(row[1:]))


def _limited(*values: int) -> tuple[int, ...]:
    return tuple(min(value, _MOST) for value in values)
