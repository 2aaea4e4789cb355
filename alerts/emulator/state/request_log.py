"""What was asked of the emulator's API: the latest requests, within bounds of number and size."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from breakerd.alerts.emulator.api.messages import LogEntry

ENTRIES: Final = 100_000
"""So many requests are kept."""

SIZE: Final = 64_000_000
"""So many bytes of bodies are kept."""


class RequestLog:
    """The latest requests, oldest first. Not thread-safe."""

    def __init__(self, entries: int = ENTRIES, size: int = SIZE) -> None:
        self._most = entries
        self._largest = size
        self._kept: deque[tuple[LogEntry, int]] = deque()
        self._size = 0

    def add(self, entry: LogEntry, size: int) -> None:
        """Keeps `entry`, whose body has `size` bytes; the oldest ones go."""
        self._kept.append((entry, size))
        self._size += size
        while len(self._kept) > self._most or (self._size > self._largest and len(self._kept) > 1):
            _, gone = self._kept.popleft()
            self._size -= gone

    def __iter__(self) -> Iterator[LogEntry]:
        return (entry for entry, _ in self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def between(self, start: float, end: float) -> list[LogEntry]:
        """The requests that came from `start` on and before `end`, in seconds since the epoch."""
        return [entry for entry in self if start <= entry.at < end]
