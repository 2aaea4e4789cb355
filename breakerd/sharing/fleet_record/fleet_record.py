"""Record of the fleet, as it runs in one process."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.schema import FINE
from breakerd.breaker.record.writing.member import new_member
from breakerd.breaker.record.writing.table import RecordTable
from breakerd.sharing.fleet_record.exchange import FleetExchange, Hosts, fleet_file

if TYPE_CHECKING:
    from pathlib import Path

    from breakerd.breaker.record.record import Record

_log = get_logger(__name__)

_PHASE: Final = 5.0
"""Seconds after the begin of a slot at which slots are exchanged."""
_END_LIMIT: Final = 2.0
"""Maximum seconds that the end waits for what is being exchanged."""
_RETRY_TIME: Final = 5.0
"""Seconds after which a thread that could not be started is tried again."""


def make_fleet_record(
    fleet: Hosts,
    record: "Record | None",
    on_look: Callable[[Callable[[float], None]], None],
) -> "FleetRecord | None":
    """Return the record of the fleet; None if this process has no record.

    Args:
        fleet: membership of this process.
        record: record of this host.
        on_look: has a function called with each look of the fleet's thread.
    """
    if record is None:
        return None
    made = FleetRecord(fleet, record)
    on_look(made.look)
    return made


class FleetRecord:
    """Part of a process: the sums of a fleet of several hosts, in a file on each. Thread-safe.

    Its thread runs only where a hub joins several hosts, and a record is kept.

    Args:
        fleet: membership of this process.
        record: record of this host.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self, fleet: Hosts, record: "Record", clock: Callable[[], float] = time.time
    ) -> None:
        self._fleet = fleet
        self._record = record
        self._clock = clock
        self._lock = ProcessLock()
        self._started = False
        self._retry_at = 0.0
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Run from now on, where there is something to do: see `look`."""
        self._started = True

    def close(self) -> None:
        """End; takes some seconds at most."""
        self._started = False
        self._stop()

    def look(self, now: float) -> None:
        """Start or end the thread, as the settings ask for; on the fleet's thread.

        Args:
            now: seconds of a clock that does not jump.
        """
        wanted = self._started and self.wanted
        if wanted == (self._thread is not None) or now < self._retry_at:
            return
        if not wanted:
            self._stop()
            return
        with self._lock:
            if self._started and self._thread is None:
                self._start_thread(now)

    def reader(self) -> RecordReader | None:
        """Return a reader of the fleet's file, with hosts as members; None where none is kept."""
        return RecordReader(self.path) if self.wanted else None

    @property
    def wanted(self) -> bool:
        """True where a hub joins several hosts, and a record is kept."""
        remote = self._fleet.settings.address.remote
        return remote and self._record.settings.enabled and not BREAKERS.taken_over

    @property
    def path(self) -> "Path":
        """Return the file of the fleet's sums on this host."""
        return fleet_file(self._record.path)

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._started, self._retry_at = False, 0.0
        self._begin()

    def _start_thread(self, now: float) -> None:
        stopping = threading.Event()
        thread = threading.Thread(
            target=self._run, args=(stopping,), name="breakerd-fleet-history", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._retry_at = now + _RETRY_TIME
            _log.warning("no history of the fleet, tried again in 5 s", error=str(error))
        else:
            self._thread, self._stopping = thread, stopping

    def _stop(self) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_LIMIT)

    def _run(self, stopping: threading.Event) -> None:
        exchange = self._make_exchange()
        try:
            while not stopping.wait(self._rest()):
                if exchange.table.path != self.path:
                    exchange.close()
                    exchange = self._make_exchange()
                self._round(exchange)
        finally:
            exchange.close()

    def _make_exchange(self) -> FleetExchange:
        table = RecordTable(self.path)
        return FleetExchange(self._fleet, self._record, table, new_member(), self._clock)

    def _round(self, exchange: FleetExchange) -> None:
        began = CLOCK.monotonic()
        try:
            exchange.round()
        except Exception:  # noqa: BLE001 - the next round may succeed
            _log.exception("slots of the fleet were not exchanged")
        if (seconds := CLOCK.monotonic() - began) > FINE:
            _log.warning("the history of the fleet is slow", seconds=round(seconds, 1))

    def _rest(self) -> float:
        """Return the seconds until the next exchange."""
        return FINE - (self._clock() - _PHASE) % FINE
