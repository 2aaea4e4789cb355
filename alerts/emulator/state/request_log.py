"""Log of the latest requests to the emulator's API, limited in number and size."""

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from breakerd.alerts.emulator.state.alert import Json, rfc3339

MAX_ENTRIES: Final = 100_000
"""Maximum number of requests kept."""

MAX_BYTES: Final = 64_000_000
"""Maximum number of bytes of bodies kept."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Log entry of one request to the API.

    Attributes:
        at: time of arrival, in seconds since the epoch.
        headers: names in lower case; the key is masked.
        body: the parsed JSON; the text if it is not JSON; None if empty.
        status: status of the response; 0 if there was none.
        fault: kind of the fault that was injected; empty if none.
        throttled: True if it arrived while a rate limit was active.
        warned: True if it arrived before the pause that an earlier 429 asked for was over.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object
    status: int
    fault: str = ""
    throttled: bool = False
    warned: bool = False

    def as_json(self) -> Json:
        """Return the entry as in `GET /emulator/requests`."""
        return asdict(self) | {"at": rfc3339(self.at)}


class RequestLog:
    """Latest requests, oldest first. Not thread-safe."""

    def __init__(self, entries: int = MAX_ENTRIES, size: int = MAX_BYTES) -> None:
        self._most = entries
        self._largest = size
        self._kept: deque[tuple[LogEntry, int]] = deque()
        self._size = 0

    def add(self, entry: LogEntry, size: int) -> None:
        """Add `entry`, whose body has `size` bytes; remove the oldest beyond the limits."""
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
        """Return the requests that arrived in [start, end), in seconds since the epoch."""
        return [entry for entry in self if start <= entry.at < end]
