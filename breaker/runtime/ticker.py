"""One daemon thread per process ticks all breakers on the real clock.

It starts with the first of them, survives a fork (pre-forking servers make breakers in the parent),
and holds them weakly.
"""

import math
import os
import threading
import weakref
from collections import deque
from typing import Final, Protocol

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SHORTEST_SLEEP: Final = 0.005
_LONGEST_SLEEP: Final = 60.0


class Tickable(Protocol):
    """A member of the ticker."""

    def tick(self) -> float:
        """Do what is due; return seconds until the next tick is due."""
        ...

    def after_fork(self) -> None:
        """Replace locks that a thread of the parent may have held."""
        ...


class Ticker:
    """Calls `tick` of each member when it is due. Thread-safe.

    A round visits only those that are due: that one breaker of a thousand trips must not be a
    thousand ticks.
    """

    def __init__(self) -> None:
        self._due: weakref.WeakKeyDictionary[Tickable, float] = weakref.WeakKeyDictionary()
        """Time of the next tick of each member, by the monotonic clock."""
        self._woken: deque[Tickable] = deque()
        self._changing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, member: Tickable) -> None:
        """Add a member, due at once, and start the thread if there is none."""
        with self._changing:
            self._due[member] = -math.inf
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="breaker-ticker", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def discard(self, member: Tickable) -> bool:
        """Remove a member; return True if it was one."""
        with self._changing:
            return self._due.pop(member, None) is not None

    def wake(self, member: Tickable) -> None:
        """Tick that member now: it became due earlier than the thread knows."""
        self._woken.append(member)
        self._wake.set()

    def after_fork(self) -> None:
        """Start again in a forked child: the thread is gone, and a lock may be held for ever."""
        self._changing = threading.Lock()
        self._wake = threading.Event()
        self._thread = None
        self._woken.clear()
        members = list(self._due)
        for member in members:
            member.after_fork()
        for member in members:
            self.add(member)

    def _run(self) -> None:
        while True:
            # Cleared first: a wake-up during the round leads to another round.
            self._wake.clear()
            self._round()
            self._wake.wait(min(_LONGEST_SLEEP, max(_SHORTEST_SLEEP, self._seconds_left())))

    def _round(self) -> None:
        for member in self._members_due(CLOCK.monotonic()):
            seconds = _tick(member)
            with self._changing:
                if member in self._due:
                    self._due[member] = CLOCK.monotonic() + seconds

    def _members_due(self, now: float) -> list[Tickable]:
        with self._changing:
            while self._woken:
                member = self._woken.popleft()
                if member in self._due:
                    self._due[member] = -math.inf
            return [member for member, due in self._due.items() if due <= now]

    def _seconds_left(self) -> float:
        with self._changing:
            return min(self._due.values(), default=math.inf) - CLOCK.monotonic()


def _tick(member: Tickable) -> float:
    try:
        return member.tick()
    except Exception:  # noqa: BLE001 - one breaker's fault must not stop time for the others
        _log.exception("tick failed", member=repr(member))
        return 1.0


TICKER: Final = Ticker()

os.register_at_fork(after_in_child=TICKER.after_fork)
