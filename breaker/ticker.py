"""One daemon thread per process that lets time pass for all breakers.

It starts with the first breaker that lives by the real clock, survives a fork (pre-forking servers
load breakers in the parent), and holds breakers weakly.
"""

import os
import threading
import weakref
from typing import Final, Protocol

from breaker.log import get_logger

_log = get_logger("breaker.ticker")

_SHORTEST_SLEEP: Final = 0.005
_LONGEST_SLEEP: Final = 60.0


class Ticking(Protocol):
    """Something that wants to be woken."""

    def tick(self) -> float:
        """Does what is due, and says in how many seconds to come again."""
        ...

    def after_fork(self) -> None:
        """Replaces locks that a thread of the parent may have held."""
        ...


class Ticker:
    """Calls `tick` of everything added, when it is due. Thread-safe."""

    def __init__(self) -> None:
        self._members: weakref.WeakSet[Ticking] = weakref.WeakSet()
        self._changing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, member: Ticking) -> None:
        """Takes a member in, and starts the thread if there is none."""
        with self._changing:
            self._members.add(member)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="breaker-ticker", daemon=True
                )
                self._thread.start()
        self.wake()

    def discard(self, member: Ticking) -> None:
        """Lets a member go."""
        with self._changing:
            self._members.discard(member)

    def wake(self) -> None:
        """Asks for a round now: something became due earlier than the thread knows."""
        self._wake.set()

    def after_fork(self) -> None:
        """In a forked child: the thread is gone, and locks may be held by nobody."""
        self._changing = threading.Lock()
        self._wake = threading.Event()
        self._thread = None
        members = list(self._members)
        for member in members:
            member.after_fork()
        if members:
            self.add(members[0])

    def _run(self) -> None:
        while True:
            # Cleared first: a wake-up during the round leads to another round.
            self._wake.clear()
            self._wake.wait(min(_LONGEST_SLEEP, max(_SHORTEST_SLEEP, self._round())))

    def _round(self) -> float:
        with self._changing:
            members = list(self._members)
        return min((_tick(member) for member in members), default=_LONGEST_SLEEP)


def _tick(member: Ticking) -> float:
    try:
        return member.tick()
    except Exception:  # noqa: BLE001 - one breaker's fault must not stop time for the others
        _log.exception("tick failed", member=repr(member))
        return 1.0


TICKER: Final = Ticker()

os.register_at_fork(after_in_child=TICKER.after_fork)
