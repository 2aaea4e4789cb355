"""Windows and sums as the hub on a server keeps them."""

from __future__ import annotations

import struct

import pytest

from breakerd.breaker.fleet.hub.redis.packing import ROW, SUMS, pack_window, read_slots, read_sums
from breakerd.breaker.fleet.messages import BreakerReport, PoolSlot, Slot, Totals

HEAD = struct.calcsize(">2i")


def test_a_window_is_what_it_adds_to_the_sums() -> None:
    totals = Totals(7, 3, usual_milli=5_000_000_000)
    slots = (Slot(1000, 5, 5), Slot(1001, 2, 0, 9, 80, 2, 2))
    packed = pack_window(BreakerReport("payments|web", slots=slots, totals=totals))
    assert struct.unpack_from(">2i", packed) == (7, 5)
    numbers = packed[HEAD:]
    assert read_sums(numbers) == (1, totals._replace(usual_milli=2**31 - 1))
    assert read_slots(numbers, 0) == (
        PoolSlot(1000, 3, 3, 1, 1),
        PoolSlot(1001, 2, 0, 1, offered=9, busy_ms=80, ended=2, active=1, slow_members=1),
    )
    assert [slot.number for slot in read_slots(numbers, 1001)] == [1001]


def test_slots_that_no_view_has_are_left_out() -> None:
    window = BreakerReport("payments|web", slots=tuple(Slot(n, 1, 1) for n in range(990, 1000)))
    packed = pack_window(window)
    assert struct.unpack_from(">2i", packed) == (10, 10), "they count for who is the worst"
    assert [slot.number for slot in read_slots(packed[HEAD:], 0)] == list(range(992, 1000))
    empty = pack_window(window._replace(slots=()))
    assert (len(empty), read_slots(empty[HEAD:], 0)) == (HEAD + SUMS.size, ())


def test_another_length_is_an_error() -> None:
    with pytest.raises(struct.error):
        read_sums(b"short")
    with pytest.raises(struct.error):
        read_slots(bytes(SUMS.size + ROW.size - 1), 0)
