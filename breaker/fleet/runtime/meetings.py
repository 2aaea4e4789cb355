"""Meetings: exchanges with the hub, as those who wait for one see them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Meetings:
    """Exchanges that were begun and have ended. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._begun = 0
        self._ended = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a meeting; for one thread."""
        with self._changed:
            self._begun += 1
        try:
            yield
        finally:
            with self._changed:
                self._ended = self._begun
                self._changed.notify_all()

    def wait_for_next(self, timeout: float, ask: Callable[[], None]) -> bool:
        """Ask for a meeting that begins after now; return False if it takes over `timeout` s."""
        with self._changed:
            wanted = self._begun + 1
            ask()
            return self._changed.wait_for(lambda: self._ended >= wanted, timeout)

    def wait_for_first(self, timeout: float) -> bool:
        """Wait until one has ended, well or not; return False if it takes over `timeout` s."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ended > 0, timeout)
