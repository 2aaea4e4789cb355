"""Listeners of events: called in order and outside of all locks."""

import threading
from collections import deque
from collections.abc import Callable

from breakerd.breaker.events.events import Event
from breakerd.breaker.logging import get_logger

Listener = Callable[[Event], None]


_log = get_logger(__name__)


class Listeners:
    """Listeners of one breaker. Thread-safe.

    `emit` only queues, so it may be called with a lock held; `deliver` calls the listeners, one
    thread at a time, so that all of them see the events in the order in which they happened.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._queue: deque[Event] = deque()
        self._delivery_lock = threading.Lock()
        # Re-entrant: the garbage collector may end a subscription at any point of this class.
        self._subscription_lock = threading.RLock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the returned function removes it, and may be called twice."""
        with self._subscription_lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._remove(listener)

    def emit(self, event: Event) -> None:
        """Queue an event, if there is a listener."""
        if self._listeners:
            self._queue.append(event)

    def deliver(self) -> None:
        """Deliver queued events, unless another thread or an outer call is delivering."""
        while self._queue and self._delivery_lock.acquire(blocking=False):
            try:
                while self._queue:
                    self._dispatch(self._queue.popleft())
            finally:
                self._delivery_lock.release()

    def after_fork(self) -> None:
        """Replace the locks, which threads of the parent may have held."""
        self._delivery_lock = threading.Lock()
        self._subscription_lock = threading.RLock()

    def _dispatch(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, SystemExit):  # noqa: BLE001 - it must not reach the call that moved the state, nor end the ticker
                _log.exception(
                    "listener failed", listener=repr(listener), event_type=type(event).__name__
                )

    def _remove(self, listener: Listener) -> None:
        with self._subscription_lock:
            kept = list(self._listeners)
            if listener in kept:
                kept.remove(listener)
            self._listeners = tuple(kept)
