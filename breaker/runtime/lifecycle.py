"""When a breaker's background work runs: from the first use in a process until it is closed."""

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.runtime.ticker import TICKER


class Lifecycle(ABC):
    """Base of `Controller`: dormant, running, suspended by its registry, or closed.

    A dormant breaker has no thread: none was needed yet in this process. It prepares no decisions,
    so that the first call takes the slow path, which starts what there is to start. Until then time
    passes when somebody looks.
    """

    __slots__ = (
        "_background",
        "_clock",
        "_first_use",
        "_locked_by_me",
        "_real_time",
        "commanded",
        "commanded_at",
        "dormant",
        "lock",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self._make_lock()
        self._clock = clock
        self._real_time = CLOCK.stands_for(clock)
        self._background = False
        """True while the ticker lets time pass."""
        self._first_use: Callable[[], bool] | None = TICKER.start if self._real_time else None
        """Starts what this breaker needs; None if it needs nothing, or was closed."""
        self.dormant = self._real_time
        """True until the first use in this process."""
        self.commanded = False
        """True after an operator's command in this process, which outdates what was saved."""
        self.commanded_at = -math.inf
        """Time of the last command, in seconds since the epoch; the parent's in a forked child."""

    def use(self) -> None:
        """Start what is to start at the first use; the lock is not held."""
        start = self._first_use
        if not self.dormant or start is None or self._locked_by_me() or not start():
            return
        self._wake()

    def command(self) -> None:
        """Note a command of an operator, which is a use."""
        self.commanded, self.commanded_at = True, time.time()
        self.use()

    def look(self) -> None:
        """Let time pass where nobody else does; before state is read."""
        if self.dormant and self._real_time and not self._locked_by_me():
            self._pass_time()

    def set_first_use(self, start: Callable[[], bool]) -> None:
        """Have `start` called at the first use, on any clock; it returns False if nothing ticks."""
        with self.locked():
            self._first_use, self.dormant = start, True

    def close(self) -> None:
        """End the background work for good; calls let time pass then."""
        self.suspend()
        self._first_use = None

    def suspend(self) -> None:
        """End the background work until `resume`; calls let time pass then."""
        TICKER.discard(self)
        with self.locked():
            self._background = self.dormant = False

    def resume(self) -> None:
        """Start the background work now, unless it runs or was closed."""
        if self._first_use is None:
            return
        if not self._background and not self.dormant and self._real_time:
            TICKER.add(self)
            with self.locked():
                self.dormant = True
        self.use()

    def sleep(self) -> None:
        """Become dormant in a forked child, if it ran in the parent."""
        self.dormant = self.dormant or self._background
        self._background = self.commanded = False

    @abstractmethod
    def tick(self) -> float:
        """Let time pass; return seconds until the next tick."""

    @abstractmethod
    def locked(self) -> AbstractContextManager[float]:
        """Hold the lock."""

    @abstractmethod
    def _wake(self) -> None:
        """Let the ticker pass the time from now on, if it is real time."""

    @abstractmethod
    def _pass_time(self) -> None:
        """Do what is due."""

    def _make_lock(self) -> None:
        self.lock = threading.RLock()
        # Not public, but what `threading.Condition` asks of every such lock.
        self._locked_by_me: Callable[[], bool] = self.lock._is_owned  # type: ignore[attr-defined]  # noqa: SLF001
