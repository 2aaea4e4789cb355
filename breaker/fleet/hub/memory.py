"""Hub in the memory of one process: for tests and simulations, and for threads that share it."""

import threading
import time
from collections.abc import Callable

from breakerd.breaker.fleet.hub.memory_store import MemoryStore
from breakerd.breaker.fleet.hub.protocol import MemberEntry, Progress
from breakerd.breaker.fleet.hub.records import DictRecords
from breakerd.breaker.fleet.hub.state import HubState, random_id
from breakerd.breaker.fleet.messages import Act, PoolView, Register, Report, View


class MemoryHub:
    """A hub on a dictionary. Thread-safe.

    Args:
        clock: returns hub time in seconds.
        new_id: returns random ids.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, new_id: Callable[[], str] = random_id
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.RLock()
        self.wipe()

    def wipe(self) -> None:
        """Forget everything."""
        self.records = DictRecords()
        self._state = HubState(self.records, self._new_id)
        self.store = MemoryStore(lambda: self._state.epoch(self._clock()), self._clock, self._lock)
        """Topics and leases."""

    def exchange(self, report: Report) -> View:
        """Take a member's report; return its view."""
        with self._lock:
            view = self._state.exchange(report, self._clock())
            return view._replace(topics=self.store.versions())

    def set_mode(self, register: Register) -> Register:
        """Write an operator's mode; return it with epoch and time filled in."""
        with self._lock:
            return self._state.set_mode(register, self._clock())

    def act(self, act: Act) -> Act:
        """Hand out an act; return it with its time filled in."""
        with self._lock:
            return self._state.act(act, self._clock())

    def progress(self, breaker: str, command: str) -> Progress:
        """Return how far a command has come."""
        with self._lock:
            return self._state.progress(breaker, command, self._clock())

    def members(self) -> tuple[MemberEntry, ...]:
        """Return all members."""
        with self._lock:
            return self._state.members(self._clock())

    def pool(self, name: str, scope: str) -> tuple[PoolView, tuple[int, ...]]:
        """Return the sums of one scope, and the merged sketch of durations."""
        with self._lock:
            return self._state.pool(name, scope, self._clock())
