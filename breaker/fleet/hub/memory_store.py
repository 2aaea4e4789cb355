"""Store of a hub in the memory of one process."""

import threading
from collections.abc import Callable

from breakerd.breaker.fleet.hub.store import (
    TOPICS,
    WRONG_TERM,
    WRONG_VERSION,
    Changes,
    Entry,
    Fence,
    LeaseTerm,
    WriteRefusedError,
    check_entry,
    check_topic,
    next_term,
    version_of,
)


class MemoryStore:
    """Topics and leases in dictionaries; see `SharedStore`. Thread-safe.

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
        self._topics: dict[str, dict[str, Entry]] = {topic: {} for topic in TOPICS}
        self._newest: dict[str, int] = {}
        """Version of the newest write of each topic."""
        self._leases: dict[str, tuple[str, int, float]] = {}
        """Holder, term and end of each lease."""

    def versions(self) -> tuple[tuple[str, int], ...]:
        """Return the topics that have been written to, each with its newest version."""
        with self._lock:
            return tuple(sorted(self._newest.items()))

    def changes(self, topic: str, epoch: str = "", after: int = 0) -> Changes:
        """Return what is new in a topic."""
        check_topic(topic)
        with self._lock:
            now, present = self._clock(), self._epoch()
            entries = self._kept(topic, now)
            known = after if epoch == present else 0
            new = tuple(each for each in entries.values() if each.version > known)
            return Changes(present, self._newest.get(topic, 0), now, new)

    def write(
        self,
        topic: str,
        key: str,
        value: str,
        *,
        expected: int | None = None,
        fence: Fence | None = None,
    ) -> Entry:
        """Write an entry."""
        check_entry(topic, value)
        with self._lock:
            now = self._clock()
            entries = self._kept(topic, now)
            known = entries.get(key)
            if fence is not None and self._leases.get(fence.name, ("", 0, 0.0))[1] != fence.term:
                raise WriteRefusedError(known, WRONG_TERM)
            if expected is not None and expected != version_of(known):
                raise WriteRefusedError(known, WRONG_VERSION)
            entry = Entry(key, self._newest.get(topic, 0) + 1, now, value)
            entries.pop(key, None)  # the newest one is the last
            entries[key] = entry
            self._newest[topic] = entry.version
            while len(entries) > TOPICS[topic].entries:
                del entries[next(iter(entries))]
            return entry

    def take_lease(self, name: str, holder: str, seconds: float) -> LeaseTerm:
        """Take or renew a lease."""
        with self._lock:
            now = self._clock()
            known, term, until = self._leases.get(name, ("", 0, 0.0))
            if known not in ("", holder) and now < until:
                return LeaseTerm(known, term, until - now)
            if known != holder:
                term = next_term(term, now)
            self._leases[name] = (holder, term, now + seconds)
            return LeaseTerm(holder, term, seconds)

    def end_lease(self, name: str, holder: str) -> None:
        """Give a lease back."""
        with self._lock:
            known, term, _ = self._leases.get(name, ("", 0, 0.0))
            if known == holder:
                self._leases[name] = ("", term, 0.0)

    def _kept(self, topic: str, now: float) -> dict[str, Entry]:
        """Return the entries of a topic without those that are too old."""
        entries = self._topics[topic]
        oldest = now - TOPICS[topic].age
        while entries and (first := next(iter(entries.values()))).at < oldest:
            del entries[first.key]
        return entries
