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
"""Maximum seconds that the first call waits for the first parts: what was saved."""
_START_WAIT: Final = 3.0
"""Maximum seconds that `close` waits for a start that hangs."""
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
        restoring: number of parts, the first ones, that the first call waits for.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        not_running: Callable[[], Mapping[str, str]],
        *,
        restoring: int = 1,
    ) -> None:
        self._parts = parts
        self._restoring = restoring
        self._not_running = not_running
        self._closed = False
        self._ended = False
        """True if the parts know that they are closed."""
        self._running = False
        self._starting = False
        self._holders = 0
        """Number of blocks and lifespans of this process that it has to run for."""
        self._lock = ProcessLock()
        renew_after_fork(self)
        close_at_exit(self)

    @property
    def running(self) -> bool:
        """True from the start of the first part to the end of the last, in this process."""
        return self._running

    @property
    def starting(self) -> bool:
        """True while parts are being started in this process."""
        return self._starting

    @property
    def closed(self) -> bool:
        """True after `close`, until `start`."""
        return self._closed

    def hold(self) -> None:
        """Start all parts, and let them run until `release` is called as often."""
        with self._lock:
            self._holders += 1
            try:
                self.start()
            except BaseException:
                self._holders -= 1
                raise

    def release(self) -> None:
        """End what `hold` has begun; the last one ends all parts."""
        with self._lock:
            self._holders -= 1
            if self._holders <= 0:
                self.close()

    def start(self) -> None:
        """Start all parts, and wait for them; no effect if they run.

        Nor while a test has taken the breakers over.
        """
        self._start(threading.Event(), by_call=False)

    def start_in_background(self) -> None:
        """Start all parts on a thread; wait a moment for the first ones. No effect after `close`.

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
        """End all parts that run in this process; a call does not start them again.

        A start that is going on is waited for: alerting may have something to deliver. One that
        hangs, or that a signal handler interrupts to call this, ends the parts itself afterwards.
        """
        if BREAKERS.taken_over and not self._running:
            return  # nor was it started
        self._closed = True
        if self._starting and self._lock.is_mine:
            return
        if not self._lock.acquire(_START_WAIT):
            _log.warning("not ended in order: the start has not ended yet", process=os.getpid())
            return
        try:
            self._end()
        finally:
            self._lock.release()

    def tick(self) -> float:
        """Try again to start the thread that the system did not give."""
        TICKER.discard(self)
        self.start_in_background()
        return _RETRY_TIME

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._running = self._starting = False
        self._holders = 0

    def _start(self, restored: threading.Event, *, by_call: bool = True) -> None:
        with self._lock:
            if self._running or BREAKERS.taken_over or (by_call and self._closed):
                restored.set()
                return
            self._running = self._starting = True
            self._closed = self._ended = False
            try:
                # First: the process may end while its parts start.
                use_hooks()
                self._start_parts(restored)
            finally:
                self._starting = False
                if self._closed:  # meanwhile
                    self._end()
            if self._running:
                self._tell()

    def _start_parts(self, restored: threading.Event) -> None:
        for number, part in enumerate(self._parts, 1):
            try:
                part.start()
            except Exception:  # noqa: BLE001 - breakers must work without it
                _log.exception("a part did not start", part=type(part).__name__)
            if number >= self._restoring:
                restored.set()
        restored.set()

    def _end(self) -> None:
        """End all parts; those that do not run say from then on that they are closed."""
        self._closed, self._holders = True, 0
        if self._ended:
            return
        self._ended = True
        for part in reversed(self._parts):
            try:
                part.close()
            except Exception:  # noqa: BLE001 - the other parts must end too
                _log.exception("a part did not end in order", part=type(part).__name__)
        ran, self._running = self._running, False
        if ran:
            _log.info("ended", process=os.getpid())

    def _tell(self) -> None:
        missing = self._not_running()
        if missing:
            _log.warning("not everything runs", process=os.getpid(), parts=dict(missing))
        else:
            _log.info("started", process=os.getpid())
