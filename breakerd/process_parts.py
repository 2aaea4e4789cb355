"""Parts of a process: started once, at its first use, and ended in order."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.exit_hooks import close_at_exit, use_hooks

_log = get_logger(__name__)

_RESTORE_WAIT: Final = 0.1
"""Maximum seconds that the first call waits for the first part: the state that was saved."""
_RETRY_TIME: Final = 5.0
"""Seconds after which a thread that could not be started is tried again."""


class Part(Protocol):
    """One part of a process: breakers with their file, saved state, alerting."""

    def start(self) -> None:
        """Start in this process; no effect if it runs."""
        ...

    def close(self) -> None:
        """End in this process; no effect if it does not run."""
        ...


class ProcessParts:
    """Parts of a process, started in order and ended in reverse. Thread-safe, and safe to fork.

    A forked child has started nothing, whatever its parent had: threads do not survive a fork.

    Args:
        parts: the parts. A part that cannot start is logged, and does not keep the next from it.
        not_running: returns why parts do not run in this process, by their names.
    """

    def __init__(self, parts: Sequence[Part], not_running: Callable[[], Mapping[str, str]]) -> None:
        self._parts = parts
        self._not_running = not_running
        self._closed = False
        self._running = False
        self._lock = ProcessLock()
        renew_after_fork(self)
        close_at_exit(self)

    @property
    def running(self) -> bool:
        """True from the start of the first part to the end of the last, in this process."""
        return self._running

    @property
    def closed(self) -> bool:
        """True after `close`, until `start`."""
        return self._closed

    def start(self) -> None:
        """Start all parts, and wait for them; no effect if they run.

        Nor while a test has taken the breakers over.
        """
        with self._lock:
            if not BREAKERS.taken_over:
                self._closed = False
            self._start(threading.Event())

    def start_in_background(self) -> None:
        """Start all parts on a thread; wait a moment for the first. No effect after `close`.

        For calls, which must not wait for a database. Where the system has no thread left, it is
        tried again every 5 s.
        """
        if self._running or self._closed:
            return
        restored = threading.Event()
        thread = threading.Thread(
            target=self._start, args=(restored,), name="breakerd-start", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            _log.warning("not started, tried again in 5 s", error=str(error))
            TICKER.add(self)
            return
        restored.wait(_RESTORE_WAIT)

    def close(self) -> None:
        """End all parts that run in this process; a call does not start them again."""
        with self._lock:
            if BREAKERS.taken_over and not self._running:
                return  # nor was it started
            self._closed = True
            if not self._running:
                return
            for part in reversed(self._parts):
                try:
                    part.close()
                except Exception:  # noqa: BLE001 - the other parts must end too
                    _log.exception("a part did not end in order", part=type(part).__name__)
            self._running = False
        _log.info("ended", process=os.getpid())

    def tick(self) -> float:
        """Try again to start the thread that the system did not give."""
        TICKER.discard(self)
        self.start_in_background()
        return _RETRY_TIME

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._running = False

    def _start(self, restored: threading.Event) -> None:
        with self._lock:
            if self._running or self._closed or BREAKERS.taken_over:
                restored.set()
                return
            self._running = True
            for part in self._parts:
                try:
                    part.start()
                except Exception:  # noqa: BLE001 - breakers must work without it
                    _log.exception("a part did not start", part=type(part).__name__)
                restored.set()
            use_hooks()
            self._tell()

    def _tell(self) -> None:
        missing = self._not_running()
        if missing:
            _log.warning("not everything runs", process=os.getpid(), parts=dict(missing))
        else:
            _log.info("started", process=os.getpid())
