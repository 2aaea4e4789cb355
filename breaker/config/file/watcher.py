"""Detect changes of a file, however it is changed.

Events only wake the thread; the content of the file decides. Network and bind mounts give no events
at all, so the file is also polled every two seconds; every second where events cannot be used
(`polling.py`) or a limit of the system was reached. Somebody may be saving it, so the check may ask
to be called again.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from breakerd.breaker.config.file.events import FileEvents
from breakerd.breaker.config.file.mounts import source_of_mount, why_not_seen
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_DEBOUNCE_TIME: Final = 0.1
"""Seconds to wait for a burst of events to end."""
_POLL_INTERVAL: Final = 2.0
"""Seconds between polls of the file without events."""
_ONLY_POLL_INTERVAL: Final = 1.0
"""The same where there are no events: a change counts within 3 s even while it is being saved."""


class FileWatcher:
    """Call `check` in a background thread when the file may have changed.

    Args:
        path: the file; it may be a link, and it may be missing for a while.
        check: compares and applies the content; returns the seconds after which it is called again
            even if nothing happens, 0 if it need not be. Exceptions are logged.
    """

    def __init__(self, path: Path, check: Callable[[], float]) -> None:
        self._path = path
        self._check = check
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="breaker-config", daemon=True)
        self._events = FileEvents(path, self._wake)
        self._source = ""
        self._last_signature: tuple[int, ...] | None = None
        """That of the last check; the first poll checks in any case what came before the start."""
        self.problem = ""
        """Why edits of the file are not seen although it is watched; empty if they are."""

    def start(self) -> None:
        """Start watching.

        Raises:
            RuntimeError: no thread can be started.
        """
        self._source = source_of_mount(self._path)
        self._events.follow()
        try:
            self._thread.start()
        except RuntimeError:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """True while its thread checks the file."""
        return self._thread.is_alive()

    @property
    def has_events(self) -> bool:
        """True if the system tells of changes; False if the file is only polled."""
        return not self._events.problem

    def stop(self) -> None:
        """Stop; wait for a running check, unless that check calls this."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()
        self._events.stop()

    def _run(self) -> None:
        again = 0.0
        while not self._stop.is_set():
            interval = _POLL_INTERVAL if self.has_events else _ONLY_POLL_INTERVAL
            woken = self._wake.wait(min(again, interval) or interval)
            if woken:
                self._stop.wait(_DEBOUNCE_TIME)
                self._wake.clear()
            if not self._stop.is_set():
                again = self._look(again, woken=woken)

    def _look(self, again: float, *, woken: bool) -> float:
        """Check the file if it may have changed; return the seconds after which to do so again."""
        try:
            anew = self._events.follow()
            self._tell_of_mount()
            signature = self._signature()
            if not (woken or again or anew) and signature == self._last_signature:
                return 0.0
            self._last_signature = signature
            return self._check()
        except (Exception, SystemExit):  # noqa: BLE001 - the next change must be detected too
            _log.exception("config check failed", file=str(self._path))
            return 0.0

    def _tell_of_mount(self) -> None:
        if not self._source:
            return
        problem = why_not_seen(self._source, source_of_mount(self._path))
        if problem and not self.problem:
            _log.error("edits of the file are not seen", file=str(self._path), reason=problem)
        self.problem = problem

    def _signature(self) -> tuple[int, ...]:
        with contextlib.suppress(OSError):
            stat = os.stat(self._path)  # noqa: PTH116 - follows the links that a ConfigMap swaps
            # With the time of its status: a file whose mode changes may be readable again.
            times = (stat.st_mtime_ns, stat.st_ctime_ns)
            return (stat.st_dev, stat.st_ino, *times, stat.st_size, stat.st_mode)
        return ()
