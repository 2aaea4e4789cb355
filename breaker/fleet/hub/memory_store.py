"""Store of a hub in the memory of one process."""

import threading
from collections.abc import Callable
from typing import Final

from breakerd.breaker.fleet.hub.store import (
    MAX_VALUE,
    TOPICS,
    Changes,
    Entry,
    Fence,
    LeaseTerm,
    WriteRefusedError,
)

_WRONG_VERSION: Final = "the entry was changed meanwhile"
_WRONG_TERM: Final = "another process holds the lease"


class MemoryStore:
    """Topics and leases in dictionaries. Thread-safe.

    Args:
        epoch: returns the id of the hub's memory.
        clock: returns hub time in seconds.
        lock: lock of the hub.
    """

    def __init__(
        self, epoch: Callable[[], str], clock: Callable[[], float], lock: threading.RLock
    ) -> None:
        self._epoch = epoch
        self._clock = clock
        self._lock = lock
        self._version = 0
        self._topics: dict[str, dict[str, Entry]] = {topic: {} for topic in TOPICS}
        self._leases: dict[str, tuple[str, int, float]] = {}
        """Holder, term and end of each lease."""

    def versions(self) -> tuple[tuple[str, int], ...]:
        """Return the topics that have been written to, each with its newest version."""
        with self._lock:
            found = ((topic, _newest(entries)) for topic, entries in self._topics.items())
            return tuple((topic, version) for topic, version in found if version)

    def changes(self, topic: str, epoch: str = "", after: int = 0) -> Changes:
        """Return what is new in a topic; see `SharedStore`."""
        with self._lock:
            now, present = self._clock(), self._epoch()
            entries = self._kept(topic, now)
            known = after if epoch == present else 0
            new = tuple(each for each in entries.values() if each.version > known)
            return Changes(present, _newest(entries), now, new)

    def write(
        self,
        topic: str,
        key: str,
        value: str,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> Entry:
        """Write an entry; see `SharedStore`."""
        check_value(value)
        with self._lock:
            now = self._clock()
            entries = self._kept(topic, now)
            known = entries.get(key)
            if fence is not None and self._leases.get(fence.name, ("", 0, 0.0))[1] != fence.term:
                raise WriteRefusedError(known, _WRONG_TERM)
            if expected is not None and expected != version_of(known):
                raise WriteRefusedError(known, _WRONG_VERSION)
            self._version += 1
            entry = Entry(key, self._version, now, value)
            entries.pop(key, None)  # the newest one is the last
            entries[key] = entry
            while len(entries) > TOPICS[topic].entries:
                del entries[next(iter(entries))]
            return entry

    def take_lease(self, name: str, holder: str, seconds: float) -> LeaseTerm:
        """Take or renew a lease; see `SharedStore`."""
        with self._lock:
            now = self._clock()
            known, term, until = self._leases.get(name, ("", 0, 0.0))
            if known not in ("", holder) and now < until:
                return LeaseTerm(known, term, until - now)
            if known != holder:
                term = max(term + 1, int(now))
            self._leases[name] = (holder, term, now + seconds)
            return LeaseTerm(holder, term, seconds)

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back; see `SharedStore`."""
        with self._lock:
            known, term, _ = self._leases.get(name, ("", 0, 0.0))
            if known == holder:
                self._leases[name] = ("", term, 0.0)

    def _kept(self, topic: str, now: float) -> dict[str, Entry]:
        """Return the entries of a topic without those that are too old."""
        entries = self._topics.get(topic)
        if entries is None:
            raise ValueError(f"found topic {topic!r}; allowed: {', '.join(TOPICS)}")
        oldest = now - TOPICS[topic].age
        while entries and (first := next(iter(entries.values()))).at < oldest:
            del entries[first.key]
        return entries


def version_of(entry: Entry | None) -> int:
    """Return the version that a writer has to expect: 0 for an entry that is not there."""
    return entry.version if entry is not None and entry.value else 0


def check_value(value: str) -> None:
    """Raise ValueError if the text of an entry is too long."""
    size = len(value.encode())
    if size > MAX_VALUE:
        raise ValueError(f"found a text of {size} bytes; at most {MAX_VALUE} are stored")


def _newest(entries: dict[str, Entry]) -> int:
    return next(reversed(entries.values())).version if entries else 0
