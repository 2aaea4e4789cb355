"""Detect changes of a file, however it is changed.

Events only wake the thread; the content of the file decides. A Kubernetes ConfigMap is swapped
through a link beside the file, editors replace the file, and network and bind mounts give no events
at all. So the file's folder and its real folder are watched, and the file is also polled every two
seconds; every second where events cannot be used (`polling.py`). Somebody may be saving it, so the
check may ask to be called again.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from breakerd.breaker.config.file.polling import why_no_events
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver


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
        self._interval = _POLL_INTERVAL
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="breaker-config", daemon=True)
        self._observer: BaseObserver | None = None
        self._last_signature: tuple[int, ...] | None = None
        """That of the last check; the first poll checks in any case what came before the start."""

    def start(self) -> None:
        """Start watching.

        Raises:
            RuntimeError: no thread can be started.
        """
        if why := why_no_events():
            self._interval = _ONLY_POLL_INTERVAL
            _log.info("no file events, polling every second", reason=why)
        else:
            self._start_observer()
        try:
            self._thread.start()
        except RuntimeError:
            self.stop()
            raise

    @property
    def alive(self) -> bool:
        """True while its thread checks the file."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop; wait for a running check, unless that check calls this."""
        self._stop.set()
        self._wake.set()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _start_observer(self) -> None:
        folders = {self._path.parent.absolute(), self._path.resolve().parent}
        observer = Observer()
        try:
            for folder in folders:
                observer.schedule(_Waker(self._wake), str(folder))
            observer.start()
        except (OSError, RuntimeError) as error:  # out of watches or threads, or none there
            _log.warning("no file events, polling every 2 s", error=str(error))
        else:
            self._observer = observer

    def _run(self) -> None:
        again = 0.0
        while not self._stop.is_set():
            woken = self._wake.wait(again or self._interval)
            if woken:
                self._stop.wait(_DEBOUNCE_TIME)
                self._wake.clear()
            signature = self._signature()
            idle = not woken and not again and signature == self._last_signature
            if self._stop.is_set() or idle:
                continue
            self._last_signature = signature
            again = self._check_safely()

    def _check_safely(self) -> float:
        try:
            return self._check()
        except (Exception, SystemExit):  # noqa: BLE001 - the next change must be detected too
            _log.exception("config check failed", file=str(self._path))
            return 0.0

    def _signature(self) -> tuple[int, ...]:
        with contextlib.suppress(OSError):
            stat = os.stat(self._path)  # noqa: PTH116 - follows the links that a ConfigMap swaps
            return (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        return ()


class _Waker(FileSystemEventHandler):
    """Wakes on changes of files; not on reads, which the check does itself."""

    _CHANGES: Final = frozenset({"created", "modified", "moved", "deleted", "closed"})

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in self._CHANGES:
            self._wake.set()
