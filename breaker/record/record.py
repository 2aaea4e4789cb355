"""The record as it runs in one process: written in the background, read at any time."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.record.writing.retention import Limits
from breakerd.breaker.record.writing.table import RecordTable
from breakerd.breaker.record.writing.writer import RecordWriter, Share

_log = get_logger(__name__)

_END_LIMIT: Final = 1.0
"""Maximum seconds that the end waits for what is being written."""
_FLUSH_LIMIT: Final = 1.0
"""Maximum seconds that a reader waits for what is being written."""
_MB: Final = 1_000_000
NOT_KEPT: Final = "calls and events are not kept on disk"


class Record:
    """Record of the breakers of a process in the file of its host. Thread-safe, and safe to fork.

    Nothing runs before `start`, and no file is made before there is something to write.

    Args:
        breakers: breakers of this process.
        settings: settings to begin with.
        path: file of the record, absolute.
        clock: returns seconds since the epoch.

    Attributes:
        settings: the settings in force.
        path: file of the record.
    """

    def __init__(
        self,
        breakers: Iterable[Breaker],
        settings: HistorySettings,
        path: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.path = path
        self._breakers = breakers
        self._clock = clock
        self._lock = ProcessLock()
        self._writer: RecordWriter | None = None
        self._share = Share(breakers)
        self._started = False
        renew_after_fork(self)

    def start(self) -> None:
        """Write from now on; no effect if it runs, or is left out by the settings."""
        with self._lock:
            self._started = True
            self._start()

    def close(self) -> None:
        """Write what is left, and end; takes at most some seconds."""
        with self._lock:
            self._started = False
            self._stop()

    def apply(self, settings: HistorySettings, path: Path) -> None:
        """Apply settings; what was recorded stays in the file that it was written to."""
        with self._lock:
            changed = path != self.path or settings.enabled != self.settings.enabled
            self.settings, self.path = settings, path
            if changed and self._started:
                self._stop()
                self._start()

    def after_fork(self) -> None:
        """Begin anew in a forked child: what the parent has seen is the parent's."""
        self._writer, self._started = None, False
        self._share = Share(self._breakers)

    def add(self, event: RecordEvent) -> None:
        """Record an event; it waits for nothing, and is lost where the record does not run."""
        if (writer := self._writer) is not None:
            writer.add(event)

    def slots(self, breaker: str, start: float, end: float, step: float) -> list[HistorySlot]:
        """Return the slots of a breaker in [start, end), with what this process has seen until now.

        What could not be written is added from memory.

        Args:
            breaker: its name.
            start: seconds since the epoch.
            end: seconds since the epoch.
            step: width of the slots in seconds, a multiple of 10.

        Raises:
            RecordError: the file cannot be read.
        """
        writer = self._writer
        self.flush()
        found = self.reader().slots(breaker, start, end, step=step)
        unwritten = writer.unwritten(breaker, _FLUSH_LIMIT) if writer is not None else []
        own = [slot for slot in unwritten if start <= slot.start < end]
        return merge_slots([*found, *own], width=step) if own else found

    def flush(self) -> None:
        """Write what this process has seen until now, for somebody who is about to read it."""
        if (writer := self._writer) is not None:
            writer.flush(_FLUSH_LIMIT)

    def reader(self) -> RecordReader:
        """Return a reader of the file; it is the host's, whether or not this process writes."""
        writer = self._writer
        opened = writer is not None and writer.table.opened
        return RecordReader(writer.table.rows if writer is not None and opened else self.path)

    @property
    def running(self) -> bool:
        """True if this process writes, or will once it has something to write."""
        return self._writer is not None

    @property
    def problem(self) -> str:
        """Return why nothing is written at present; empty if all is well."""
        writer = self._writer
        return writer.table.problem if writer is not None else ""

    @property
    def dropped(self) -> int:
        """Return the number of events that were dropped while nothing could be written."""
        writer = self._writer
        return writer.events.dropped if writer is not None else 0

    def not_running(self) -> dict[str, str]:
        """Return why it does not work in this process, as a part of it; empty if all is well."""
        problem = self.problem
        return {"history": f"{NOT_KEPT}: {problem}"} if problem else {}

    def _start(self) -> None:
        if self._writer is not None or not self.settings.enabled or BREAKERS.taken_over:
            return
        writer = RecordWriter(self._share, RecordTable(self.path), self.limits, self._clock)
        try:
            writer.start()
        except RuntimeError as error:
            _log.warning(NOT_KEPT, error=str(error))
            return
        self._writer = writer

    def _stop(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close(_END_LIMIT)

    def limits(self) -> Limits:
        """Return how much is kept."""
        settings = self.settings
        return Limits(settings.keep_seconds, settings.keep_fine_seconds, settings.max_mb * _MB)
