"""Thread that writes what this process has seen into the record of its host."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.schema import FINE
from breakerd.breaker.record.writing.event_queue import EventQueue
from breakerd.breaker.record.writing.member import new_member
from breakerd.breaker.record.writing.own_slots import OwnSlots
from breakerd.breaker.record.writing.retention import Limits
from breakerd.breaker.record.writing.table import Portion, RecordTable

_log = get_logger(__name__)

_MAX_PORTION: Final = 1000
"""Maximum number of events that are written at once."""
_GATHER: Final = 0.3
"""Seconds that an event waits for others that follow at once."""
_PRUNE_INTERVAL: Final = 300.0
"""Seconds between two looks at what is too old or too much."""
_FLUSH_INTERVAL: Final = 0.5
"""Seconds between two writes for readers."""
_GRACE: Final = 1.0
"""Seconds after the end of a slot at which it is written: calls are taken in up to half a second
late."""


class Share:
    """What one process has to write, from its start or fork to its end.

    Args:
        breakers: breakers of this process.

    Attributes:
        member: the process.
        slots: slots that are not written.
        events: events that are not written.
    """

    def __init__(self, breakers: Iterable[Breaker]) -> None:
        self.member = new_member()
        self.slots = OwnSlots(breakers)
        self.events = EventQueue()


class RecordWriter:
    """Writes slots and events of one process. Thread-safe.

    Args:
        share: what this process has to write.
        table: the file; it is opened when there is something to write.
        limits: returns how much is kept.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self,
        share: Share,
        table: RecordTable,
        limits: Callable[[], Limits],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.table = table
        self.events = share.events
        self._limits = limits
        self._clock = clock
        self._own = share.slots
        self._member = share.member
        self._lock = threading.RLock()
        """Held while this process writes."""
        self._generation = 0
        """Generation of the file that was written to last."""
        self._lead_due = self._prune_due = self._flush_due = CLOCK.monotonic()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: it cannot be started.
        """
        thread = threading.Thread(target=self._run, name="breakerd-history", daemon=True)
        thread.start()
        self._thread = thread

    def close(self, limit: float) -> None:
        """Write what is left, as it is now, and end; takes at most some seconds.

        Args:
            limit: seconds to wait for what is being written.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(limit)
        if self._lock.acquire(timeout=limit):
            try:
                while self._write(unfinished=True) and self.events:
                    pass
                if self.table.opened:
                    self.table.release(self._member)
            finally:
                self._lock.release()
        self.table.close()

    def add(self, event: RecordEvent) -> None:
        """Add an event. It is written soon, by the thread; this waits for nothing."""
        self.events.add(event)
        self._wake.set()

    def flush(self, limit: float) -> None:
        """Write all that there is, as it is now; at most twice a second.

        Args:
            limit: maximum number of seconds to wait for another thread that writes.
        """
        if self._stopping.is_set() or not self._lock.acquire(timeout=limit):
            return
        try:
            if CLOCK.monotonic() >= self._flush_due:
                self._flush_due = CLOCK.monotonic() + _FLUSH_INTERVAL
                self._write(unfinished=True)
        finally:
            self._lock.release()

    def unwritten(self, breaker: str, limit: float) -> list[HistorySlot]:
        """Return the slots of a breaker of which nothing could be written.

        Args:
            breaker: its name.
            limit: maximum number of seconds to wait for another thread that writes.
        """
        if not self.problem or not self._lock.acquire(timeout=limit):
            return []
        try:
            return self._own.unwritten(breaker, self._clock())
        finally:
            self._lock.release()

    @property
    def problem(self) -> str:
        """Return why nothing is written at present; empty if all is well."""
        return self.table.problem

    def round(self) -> None:
        """Write what is finished; sum and delete what is due, if this process leads."""
        with self._lock:
            while self._write() and self.events:
                pass
            if self.table.opened and CLOCK.monotonic() >= self._lead_due:
                self._lead_due = CLOCK.monotonic() + FINE
                self._lead()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._wake.wait(self._rest()):
                self._stopping.wait(_GATHER)
                self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                self.round()
            except Exception:  # noqa: BLE001 - what follows is written all the same
                _log.exception("the record was not written")

    def _rest(self) -> float:
        """Return the seconds until the present slot is finished."""
        return FINE - (self._clock() - _GRACE) % FINE

    def _write(self, *, unfinished: bool = False) -> bool:
        """Write slots and some events; return True if there were any, and they are written."""
        now = self._clock()
        own, events = self._own.collect(now, unfinished=unfinished), self.events.first(_MAX_PORTION)
        if not (own.slots or events):
            self._own.wrote(own)
            return False
        if not self.table.write(self._member, Portion(own.slots, events), now):
            return False
        self._own.wrote(own)
        self.events.remove(events)
        self._follow_file()
        return True

    def _follow_file(self) -> None:
        """Have everything written again that an earlier file had, if this is another one."""
        known, self._generation = self._generation, self.table.generation
        if known not in {0, self._generation}:
            self._own.forget()
            self._wake.set()

    def _lead(self) -> None:
        pruning = CLOCK.monotonic() >= self._prune_due
        if pruning:
            self._prune_due = CLOCK.monotonic() + _PRUNE_INTERVAL
        if pruning or self.table.has_unsummed():
            self.table.lead(self._member, self._limits(), self._clock(), pruning=pruning)
