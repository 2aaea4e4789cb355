"""Lag of asyncio event loops: the load that a service makes for itself.

A callback scheduled every tenth of a second records how late it runs. A loop that hangs runs no
callback, so an overdue callback counts as well.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from breakerd.breaker.clock import CLOCK

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

INTERVAL: Final = 0.1
"""Seconds between two samples."""
SPAN: Final = 2.0
"""Seconds over which delays are averaged."""


class LagWindow:
    """Delays of the last two seconds. Pure: `now` is passed in. Not thread-safe."""

    def __init__(self, now: float) -> None:
        self._due = now + INTERVAL
        self._delays: deque[tuple[float, float]] = deque()

    def sample(self, now: float) -> None:
        """Record how late this sample is, and set when the next is due."""
        self._delays.append((now, max(0.0, now - self._due)))
        self._due = now + INTERVAL
        self._expire(now)

    def mean(self, now: float) -> float:
        """Return the mean delay in seconds, including a sample that is overdue.

        A mean, because one long pause, such as a garbage collection, is no overload.
        """
        self._expire(now)
        delays = [delay for _, delay in self._delays]
        if now > self._due:
            delays.append(now - self._due)
        return sum(delays) / len(delays) if delays else 0.0

    def _expire(self, now: float) -> None:
        while self._delays and now - self._delays[0][0] > SPAN:
            self._delays.popleft()


class EventLoopLag:
    """Measures the lag of event loops until they are closed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[AbstractEventLoop, LagWindow] = {}

    def watch(self) -> None:
        """Start to measure the running loop; no effect if it is measured already.

        Raises:
            RuntimeError: no asyncio loop is running in this thread.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            self._forget_closed()
            if loop in self._watched:
                return
            self._watched[loop] = LagWindow(CLOCK.monotonic())
        self._schedule(loop)

    @property
    def seconds(self) -> float | None:
        """Return the largest mean lag of the running loops in seconds; None if there is none."""
        with self._lock:
            self._forget_closed()
            now = CLOCK.monotonic()
            running = [window for loop, window in self._watched.items() if loop.is_running()]
            return max((window.mean(now) for window in running), default=None)

    def after_fork(self) -> None:
        """Drop the loops of the parent, which do not run in the child."""
        self._lock = threading.Lock()
        self._watched.clear()

    def _schedule(self, loop: AbstractEventLoop) -> None:
        # A handle and no task: a loop that is closed drops it without a warning.
        loop.call_later(INTERVAL, self._sample, loop)

    def _sample(self, loop: AbstractEventLoop) -> None:
        with self._lock:
            window = self._watched.get(loop)
            if window is None:
                return
            window.sample(CLOCK.monotonic())
        self._schedule(loop)

    def _forget_closed(self) -> None:
        for loop in [loop for loop in self._watched if loop.is_closed()]:
            del self._watched[loop]
