"""Save the state of a registry's breakers to a file periodically."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.persistence.state_slot import PATIENCE, StateSlot, claim
from breakerd.breaker.registry import Registry
from breakerd.breaker.runtime.ticker import TICKER

_log = get_logger(__name__)

_CLOSING_PATIENCE: Final = 0.5
"""Seconds that the end waits for other processes, if it has no file yet."""
_NO_THREAD: Final = "its thread does not run yet, or has ended"
_RETRY_TIME: Final = 5.0
"""Seconds after which a thread that could not be started is tried again."""


class StateAutosaver:
    """Restore a registry at the start; save it every `interval` seconds and at the end.

    Thread-safe. Several processes may share a path: each claims a file of its own, the first
    `breakers.json`, the second `breakers.2.json`, and restores from it; as many processes as before
    find the states of before. A forked child has none until it calls `start`; what its parent
    started ends there. Failures to read or write are logged, told by `Registry.not_running`, tried
    again, and otherwise ignored.

    Args:
        registry: the breakers to save.
        path: the file; a missing folder is created.
        interval: seconds between two saves; a killed process loses at most this much.

    Example:
        with Registry.from_file("config/breakers.toml") as registry:
            with StateAutosaver(registry, "var/breakers.json"):
                ...  # serve
    """

    def __init__(
        self, registry: Registry, path: str | os.PathLike[str], interval: float = 60.0
    ) -> None:
        self._registry = registry
        self._path = Path(path).absolute()
        self._interval = interval
        self._lock = ProcessLock()
        self._slot: StateSlot | None = None
        self._stopping: threading.Event | None = None
        self._thread: threading.Thread | None = None
        self._problem = ""
        self._why_not = "not started yet"
        registry.report_not_running(self.not_running)
        renew_after_fork(self)

    @property
    def file(self) -> Path | None:
        """File that this process saves to; None while it has none."""
        return self._slot.path if self._slot else None

    def start(self) -> None:
        """Claim a file, restore from it, and save to it from now on; also after `close`.

        No effect while a test has taken the breakers over.
        """
        with self._lock:
            if self._stopping is not None or BREAKERS.taken_over:
                return
            self._stopping = threading.Event()
            try:
                slot = self._claim()
                if slot is None or slot.current:
                    # Without a file of its own, where none can be written, the first is read.
                    self._registry.restore(slot.path if slot else self._path)
            finally:  # also where it could not be read
                self._start_thread(self._stopping)

    def save(self) -> bool:
        """Save now; return True on success. The first of consecutive failures is logged."""
        with self._lock:
            return self._stopping is not None and self._save()

    def close(self) -> None:
        """Save, and free the file for another process."""
        with self._lock:
            stopping, self._stopping = self._stopping, None
            thread, self._thread = self._thread, None
            self._why_not = "closed"
        if stopping is None:
            return
        stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._lock:
            self._save(_CLOSING_PATIENCE)
            if self._slot is not None:
                self._slot.release()
                self._slot = None

    def not_running(self) -> dict[str, str]:
        """Return `state` with a sentence if this process's state is not saved; else nothing."""
        if self._stopping is None:
            return {"state": f"state is not saved to {self._path}: {self._why_not}"}
        if self._problem:
            return {"state": f"state is not saved to {self._path}: {self._problem}"}
        if self._thread is None or not self._thread.is_alive():
            return {"state": f"state is not saved to {self._path}: {_NO_THREAD}"}
        return {}

    def after_fork(self) -> None:
        """Let go of the parent's file in a forked child."""
        if self._stopping is not None:
            self._why_not = "not started in this forked process yet"
        self._slot = self._stopping = self._thread = None
        self._problem = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def tick(self) -> float:
        """Try again to start the thread, which the system did not give."""
        with self._lock:
            if self._stopping is None or self._thread is not None:
                TICKER.discard(self)
            else:
                self._start_thread(self._stopping)
        return _RETRY_TIME

    def _claim(self, patience: float = PATIENCE) -> StateSlot | None:
        try:
            self._slot = claim(self._path, patience)
        except OSError as error:
            self._fail(error)
        return self._slot

    def _save(self, patience: float = PATIENCE) -> bool:
        if BREAKERS.taken_over:  # what they are now is a test's
            return False
        slot = self._slot or self._claim(patience)
        if slot is None:
            return False
        try:
            self._registry.save(slot.path)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next save may succeed
            self._fail(error)
            return False
        self._problem = ""
        return True

    def _fail(self, error: Exception) -> None:
        known, self._problem = self._problem, str(error) or type(error).__name__
        if not known:
            _log.warning("state save failed", file=str(self._path), error=str(error))

    def _start_thread(self, stopping: threading.Event) -> None:
        thread = threading.Thread(
            target=self._run, args=(stopping,), name="breaker-autosave", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._fail(error)  # saved at the end at least
            TICKER.add(self)
        else:
            self._thread = thread
            TICKER.discard(self)

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(self._interval):
            self.save()
