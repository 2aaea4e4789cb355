"""The latest packed slots, in memory that is taken as they come and never exceeds its size."""

from typing import Final

from breakerd.breaker.history.packing import SIZE

CHUNK: Final = 60
"""Slots for which memory is taken at once."""


class SlotRing:
    """The last `capacity` packed slots, by their number since the first. Not thread-safe.

    Attributes:
        written: Number of slots ever written.
    """

    __slots__ = ("_capacity", "_chunks", "written")

    def __init__(self, capacity: int) -> None:
        """Create a ring for `capacity` slots, a multiple of `CHUNK`."""
        self._capacity = capacity
        self._chunks: list[bytearray] = []
        self.written = 0

    def append(self, packed: bytes) -> None:
        """Add a slot, in place of the oldest if the ring is full."""
        chunk, place = divmod(self.written % self._capacity, CHUNK)
        if chunk == len(self._chunks):
            self._chunks.append(bytearray(CHUNK * SIZE))
        self._chunks[chunk][place * SIZE : (place + 1) * SIZE] = packed
        self.written += 1

    def since(self, number: int = 0) -> bytes:
        """Return the packed slots from that number on, oldest first, as far as there are any."""
        first = max(number, self.written - self._capacity)
        return b"".join(self._read(each) for each in self._stretches(first))

    def _stretches(self, first: int) -> list[tuple[int, int, int]]:
        """Return (chunk, first byte, end) of what was written from number `first` on."""
        found = []
        while first < self.written:
            chunk, place = divmod(first % self._capacity, CHUNK)
            slots = min(CHUNK - place, self.written - first)
            found.append((chunk, place * SIZE, (place + slots) * SIZE))
            first += slots
        return found

    def _read(self, stretch: tuple[int, int, int]) -> bytes:
        chunk, first, end = stretch
        return bytes(self._chunks[chunk][first:end])
