"""How late an asyncio event loop runs what is due: the load that one thread makes for itself."""

import asyncio
import time
from collections import deque
from typing import Final

_PERIOD: Final = 0.1
"""Seconds between two looks."""
_SPAN: Final = 5.0
"""Seconds over which the worst counts."""


class LoopLag:
    """Measures the running loop until it is stopped, or the loop is.

    `worst` may be read from any thread; all else is for the loop's own.
    """

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float]] = deque(maxlen=int(_SPAN / _PERIOD))
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begins, in the running loop.

        Raises:
            RuntimeError: no loop is running in this thread.
        """
        self.stop()
        self._plan(asyncio.get_running_loop())

    def stop(self) -> None:
        """Ends the measuring; what was measured fades."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    @property
    def worst(self) -> float:
        """The longest delay of the last five seconds, in seconds; one under way counts too."""
        now = time.monotonic()
        # A copy, since the loop's thread goes on adding.
        recent = [lag for at, lag in list(self._lags) if at >= now - _SPAN]
        under_way = now - self._due if self._handle is not None else 0.0
        return max(0.0, under_way, *recent)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = time.monotonic() + _PERIOD
        self._handle = loop.call_later(_PERIOD, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        self._lags.append((now, max(0.0, now - self._due)))
        self._plan(loop)
