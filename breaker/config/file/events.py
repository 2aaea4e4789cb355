"""Events of a file, wherever its path leads: through links, and folders that are replaced."""

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.config.file.mounts import source_of_mount
from breakerd.breaker.config.file.polling import why_no_events
from breakerd.breaker.config.file.way import Way, find_way
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_log = get_logger(__name__)

_RETRY_TIME: Final = 60.0
"""Seconds after which it is tried again to get events, where a limit was reached."""
_OF_NAMES: Final[list[type[FileSystemEvent]]] = [
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent,
    FileCreatedEvent, FileDeletedEvent, FileMovedEvent,
]  # fmt: skip
"""All that matters in the parent of a folder, where other programs may write much."""


class FileEvents:
    """Set an event when the file may have changed. For one thread at a time.

    Args:
        path: the file; it may be a link, and it may be missing for a while.
        wake: set after each change of what the path leads to or through.
    """

    def __init__(self, path: Path, wake: threading.Event) -> None:
        self._path = path
        self._wake = wake
        self._way: Way | None = None
        self._outdated = threading.Event()
        """Set when a folder on the way was replaced, maybe by one of the same identity."""
        self._observer: BaseObserver | None = None
        self._retry_at = float("-inf")
        self.problem = "not started"
        """Why there are no events; empty if there are."""

    def follow(self) -> bool:
        """Watch what the path leads through now; True if that has begun anew.

        Where there can be no events, that is logged, and tried again after a minute.
        """
        if why := why_no_events():
            self._fail(why, "no file events, polling every second", quiet=True)
            return False
        way = find_way(self._path)
        if self._observer is not None and way == self._way and not self._outdated.is_set():
            return False
        if self._observer is None and CLOCK.monotonic() < self._retry_at:
            return False
        self.stop()
        self._outdated.clear()
        self._watch(way)
        return self._observer is not None

    def stop(self) -> None:
        """Watch nothing any more."""
        observer, self._observer = self._observer, None
        if observer is not None:
            _end(observer)

    def _watch(self, way: Way) -> None:
        try:
            observer = Observer()
        except OSError as error:  # out of instances
            self._fail(str(error), "no file events, polling every second")
            return
        try:
            self._schedule(observer, way)
            observer.start()
        except (OSError, RuntimeError) as error:  # out of watches or threads
            _end(observer)
            self._fail(str(error), "no file events, polling every second")
            return
        if self.problem and self._retry_at > 0:
            _log.info("file events are back", file=str(self._path))
        self._way, self._observer, self.problem = way, observer, ""

    def _schedule(self, observer: "BaseObserver", way: Way) -> None:
        waker = _Waker(self._wake, self._outdated, way)
        for folder, _ in way.folders:
            observer.schedule(waker, folder)
        for parent, _ in way.parents:
            # A folder that may not be read gives no events; polling sees what matters in it.
            if os.access(parent, os.R_OK):
                observer.schedule(waker, parent, event_filter=_OF_NAMES)
        if source_of_mount(self._path):
            # Its source is edited in another folder, maybe outside of this container.
            observer.schedule(waker, str(self._path.resolve()))

    def _fail(self, why: str, what: str, *, quiet: bool = False) -> None:
        if why != self.problem:
            (_log.info if quiet else _log.warning)(what, file=str(self._path), reason=why)
        self.problem, self._retry_at = why, CLOCK.monotonic() + _RETRY_TIME


def _end(observer: "BaseObserver") -> None:
    """End all threads of an observer, also of one that has only been started in part."""
    observer.stop()
    with contextlib.suppress(RuntimeError):  # its own thread was never started
        observer.join()


class _Waker(FileSystemEventHandler):
    """Wakes on changes of the names on the way; not on reads, which the check does itself."""

    _CHANGES: Final = frozenset({"created", "modified", "moved", "deleted", "closed", "attrib"})

    def __init__(self, wake: threading.Event, outdated: threading.Event, way: Way) -> None:
        self._wake = wake
        self._outdated = outdated
        self._names = way.names
        self._folders = {folder for folder, _ in way.folders}

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in self._CHANGES:
            return
        names = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path)}
        if names & self._folders and event.event_type in {"created", "moved", "deleted"}:
            self._outdated.set()
            self._wake.set()
        elif names & self._names:
            self._wake.set()
