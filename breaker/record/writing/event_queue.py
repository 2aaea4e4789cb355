"""Events that wait to be written."""

import threading
from collections import deque
from itertools import islice
from typing import Final

from breakerd.breaker.record.event import RecordEvent

MAX_WAITING: Final = 10_000
"""Maximum number of events that wait for a disk that fails; the oldest are dropped."""

Numbered = tuple[int, RecordEvent]
"""An event with its number in this process."""


class EventQueue:
    """Events of this process with their numbers. Thread-safe; nothing waits in it.

    Attributes:
        dropped: number of events that were dropped because too many waited.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._added = 0
        self._waiting: deque[Numbered] = deque()
        # Reentrant: a finaliser may emit an event while its thread is in here.
        self._lock = threading.RLock()

    def add(self, event: RecordEvent) -> None:
        """Add an event."""
        with self._lock:
            self._added += 1
            self._waiting.append((self._added, event))
            if len(self._waiting) > MAX_WAITING:
                self._waiting.popleft()
                self.dropped += 1

    def first(self, limit: int) -> list[Numbered]:
        """Return the oldest events, at most `limit`; they stay."""
        with self._lock:
            return list(islice(self._waiting, limit))

    def remove(self, written: list[Numbered]) -> None:
        """Remove events that were written."""
        with self._lock:
            last = written[-1][0] if written else 0
            while self._waiting and self._waiting[0][0] <= last:
                self._waiting.popleft()

    def __len__(self) -> int:
        return len(self._waiting)
