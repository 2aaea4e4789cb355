"""Async iterator of events that a slow reader cannot block."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Self

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.events.events import Event, EventsMissed
from breakerd.breaker.events.listeners import Listener
from breakerd.breaker.fork import renew_after_fork

Subscribe = Callable[[Listener], Callable[[], None]]


class EventStream:
    """Events of a breaker or a registry from now on.

    Buffers at most `maxsize` unread events; the oldest are dropped, and an `EventsMissed` gives
    their number. Must be created and read in one running event loop. Ends with `aclose()`, or when
    it is no longer referenced. Events may come from any thread.

    Raises:
        ValueError: `maxsize` is below 1.
        RuntimeError: No asyncio loop is running.
    """

    def __init__(self, subscribe: Subscribe, maxsize: int = 1000, *, name: str = "") -> None:
        if maxsize < 1:
            raise ValueError(f"maxsize is {maxsize}; it must be at least 1")
        import asyncio

        self._name = name
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._buffer: deque[Event] = deque(maxlen=maxsize)
        self._missed = 0
        self._ready = asyncio.Event()
        self._waking = False
        self._closed = False
        renew_after_fork(self)
        # A weak reference, or an abandoned stream would be fed for ever.
        receive = weakref.WeakMethod(self._receive)
        self._unsubscribe = subscribe(lambda event: _forward(receive, event))
        weakref.finalize(self, self._unsubscribe)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while True:
            if (event := self._next_buffered()) is not None:
                return event
            if self._closed:
                raise StopAsyncIteration
            await self._ready.wait()

    async def aclose(self) -> None:
        """End the stream; buffered events can still be read."""
        self._closed = True
        self._unsubscribe()
        self._ready.set()

    def after_fork(self) -> None:
        """End in a forked child: the loop that reads it runs in the parent only."""
        self._lock = threading.Lock()
        self._closed = True
        self._buffer.clear()

    def _next_buffered(self) -> Event | None:
        with self._lock:
            if self._missed:
                missed, self._missed = self._missed, 0
                return EventsMissed(
                    breaker=self._name, at=time.time(), monotonic=CLOCK.monotonic(), count=missed
                )
            if self._buffer:
                return self._buffer.popleft()
            self._ready.clear()
            return None

    def _receive(self, event: Event) -> None:
        """Buffer an event, on the thread that emitted it; wake the reader's loop at most once.

        One wake-up per event would let a blocked loop collect them without bound.
        """
        if self._closed:
            self._unsubscribe()
            return
        with self._lock:
            if len(self._buffer) == self._buffer.maxlen:
                self._missed += 1
            self._buffer.append(event)
            waking, self._waking = self._waking, True
        if not waking:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop is closed: there is no reader any more
                self._unsubscribe()

    def _wake(self) -> None:
        with self._lock:
            self._waking = False
        self._ready.set()


def _forward(receive: Callable[[], Listener | None], event: Event) -> None:
    if (method := receive()) is not None:
        method(event)
