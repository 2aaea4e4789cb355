"""Hand log output to a thread, so that no thread that logs waits for a terminal, pipe or disk."""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_MAX_WAITING: Final = 10_000
"""Maximum number of items that wait for the output; later ones are dropped."""


class LogRelay(Generic[T]):
    """Bounded queue with one thread that delivers what is put into it. Thread-safe.

    Args:
        name: name of the thread.
        deliver: writes one item; it may block for any time.
        tell_dropped: called in the thread, with the number of items dropped since the last call,
            when the output accepts items again.
        limit: maximum number of items that wait.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[T], None],
        tell_dropped: Callable[[int], None],
        *,
        limit: int = _MAX_WAITING,
    ) -> None:
        self.dropped = 0
        """Number of items that were dropped because too many waited."""
        self._deliver = deliver
        self._tell_dropped = tell_dropped
        self._limit = limit
        self._told = 0
        # Reentrant, because a signal handler or a finalizer may log while its thread is in here.
        self._waiting: queue.SimpleQueue[T | threading.Event | None] = queue.SimpleQueue()
        self._counting = threading.RLock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def runs_here(self) -> bool:
        """True in the thread that delivers."""
        return threading.get_ident() == self._thread.ident

    def put(self, item: T) -> None:
        """Have `item` delivered; drop and count it if too many wait. Never blocks."""
        if self._waiting.qsize() < self._limit:
            self._waiting.put(item)
            return
        with self._counting:
            self.dropped += 1

    def flush(self, timeout: float) -> bool:
        """Wait until all that was put before is delivered; return False after `timeout` seconds."""
        reached = threading.Event()
        self._waiting.put(reached)
        return reached.wait(timeout)

    def end(self) -> None:
        """End the thread after it has delivered what was put before."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            # A failure has nobody left to be told to, and must not end the thread.
            with suppress(Exception):
                if isinstance(item, threading.Event):
                    item.set()
                else:
                    self._deliver(item)
            with suppress(Exception):
                self._report_dropped()

    def _report_dropped(self) -> None:
        new = self.dropped - self._told
        # What tells it may come through this relay as well, and must not be dropped itself.
        if new and self._waiting.qsize() < self._limit:
            self._told += new
            self._tell_dropped(new)
