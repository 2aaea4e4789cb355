"""The latest slots, in memory that is taken as they come."""

from breakerd.breaker.history.packing import SIZE
from breakerd.breaker.history.ring import CHUNK, SlotRing


def slot(number: int) -> bytes:
    return number.to_bytes(4, "little") * (SIZE // 4) + b"xx"


def numbers(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[at : at + 4], "little") for at in range(0, len(packed), SIZE)]


def ring_of(written: int, capacity: int = 2 * CHUNK) -> SlotRing:
    ring = SlotRing(capacity)
    for number in range(written):
        ring.append(slot(number))
    return ring


def test_an_empty_ring_has_nothing() -> None:
    assert SlotRing(CHUNK).since() == b""


def test_slots_come_back_in_order() -> None:
    assert numbers(ring_of(CHUNK + 5).since()) == list(range(CHUNK + 5))


def test_a_full_ring_keeps_the_latest() -> None:
    written = 3 * CHUNK + 7
    assert numbers(ring_of(written).since()) == list(range(written - 2 * CHUNK, written))


def test_slots_since_a_number() -> None:
    ring = ring_of(3 * CHUNK + 7)
    assert numbers(ring.since(3 * CHUNK)) == list(range(3 * CHUNK, 3 * CHUNK + 7))
    assert numbers(ring.since(2)) == numbers(ring.since())
    assert ring.since(ring.written) == b""
