"""One daemon thread per process ticks all breakers on the real clock.

It starts with the first use of one of them, in a forked child with the first use there, and holds
them weakly.
"""

import math
import threading
import weakref
from collections import deque
from typing import Final, Protocol

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SHORTEST_SLEEP: Final = 0.005
_LONGEST_SLEEP: Final = 60.0
_ENDED: Final = "the ticker's thread has ended; restart the process"
_RETRY_TIME: Final = 5.0
"""Seconds after which a thread that could not be started is tried again."""


class Tickable(Protocol):
    """A member of the ticker."""

    def tick(self) -> float:
        """Do what is due; return seconds until the next tick is due."""
        ...


class Ticker:
    """Calls `tick` of each member when it is due, once it is started. Thread-safe.

    A round visits only those that are due: that one breaker of a thousand trips must not be a
    thousand ticks.
    """

    def __init__(self) -> None:
        self.problem = ""
        """Reason why there is no thread: not started, or ended; empty if all is well."""
        self._due: weakref.WeakKeyDictionary[Tickable, float] = weakref.WeakKeyDictionary()
        """Time of the next tick of each member, by the monotonic clock."""
        self._woken: deque[Tickable] = deque()
        self._lock = ProcessLock()
        # Made when the thread starts: gevent patches `threading` after a fork.
        self._wake: threading.Event | None = None
        self._thread: threading.Thread | None = None
        self._retry_at = -math.inf
        renew_after_fork(self)

    def start(self) -> bool:
        """Start the thread if there is none; return False if the system gives none.

        Tried again after 5 s, if this is called then.
        """
        failure = None
        if self._thread is None:
            with self._lock:
                failure = self._start_once()
        if failure:
            _log.warning("ticker not started; calls let time pass", error=failure)
        return self.running

    @property
    def running(self) -> bool:
        """True if the thread runs in this process."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def add(self, member: Tickable) -> None:
        """Add a member, due at once."""
        with self._lock:
            self._due[member] = -math.inf
        self._set_wake()

    def discard(self, member: Tickable) -> bool:
        """Remove a member; return True if it was one."""
        with self._lock:
            return self._due.pop(member, None) is not None

    def wake(self, member: Tickable) -> None:
        """Tick that member now: it became due earlier than the thread knows."""
        self._woken.append(member)
        self._set_wake()

    def after_fork(self) -> None:
        """Forget the thread, which does not run in a forked child."""
        self.problem = ""
        self._wake = self._thread = None
        self._retry_at = -math.inf
        self._woken.clear()
        # A new one: the thread may have been iterating over the old one.
        self._due = weakref.WeakKeyDictionary(dict.fromkeys(list(self._due), -math.inf))

    def _start_once(self) -> str | None:
        """Start the thread unless there is one; return what to log if that failed."""
        if self._thread is not None or CLOCK.monotonic() < self._retry_at:
            return None
        wake = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(wake,), name="breaker-ticker", daemon=True
        )
        # Before it starts: a finaliser in between may come here again.
        self._wake, self._thread = wake, thread
        try:
            thread.start()
        except RuntimeError as error:
            self._wake = self._thread = None
            self._retry_at = CLOCK.monotonic() + _RETRY_TIME
            known, self.problem = self.problem, str(error)
            return None if known else self.problem
        self.problem = ""
        return None

    def _set_wake(self) -> None:
        if (wake := self._wake) is not None:
            wake.set()

    def _run(self, wake: threading.Event) -> None:
        try:
            while True:
                # Cleared first: a wake-up during the round leads to another round.
                wake.clear()
                self._round()
                wake.wait(min(_LONGEST_SLEEP, max(_SHORTEST_SLEEP, self._seconds_left())))
        finally:
            self.problem = _ENDED

    def _round(self) -> None:
        for member in self._members_due(CLOCK.monotonic()):
            seconds = _tick(member)
            with self._lock:
                if member in self._due:
                    self._due[member] = CLOCK.monotonic() + seconds

    def _members_due(self, now: float) -> list[Tickable]:
        with self._lock:
            while self._woken:
                member = self._woken.popleft()
                if member in self._due:
                    self._due[member] = -math.inf
            return [member for member, due in self._due.items() if due <= now]

    def _seconds_left(self) -> float:
        with self._lock:
            return min(self._due.values(), default=math.inf) - CLOCK.monotonic()


def _tick(member: Tickable) -> float:
    try:
        return member.tick()
    except (Exception, SystemExit):  # noqa: BLE001 - it must not stop time for the others
        _log.exception("tick failed", member=repr(member))
        return 1.0


TICKER: Final = Ticker()
