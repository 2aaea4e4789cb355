"""Counters of this process in the host's file, and the sums of all that write there."""

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.fleet.host_counters.figures import Figures, Totals, read_figures
from breakerd.breaker.fleet.host_counters.table import CounterTable
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

INTERVAL: Final = 5.0
"""Seconds between two writes; a killed process loses what it has counted since the last one."""
_WAIT: Final = 1.0
"""Maximum seconds that one who reads waits for a write."""
_END_LIMIT: Final = 1.0
"""Maximum seconds that the end waits for the thread."""


class HostCounters:
    """Counters of the breakers of all processes of a host. Thread-safe, and safe to fork.

    Each process writes its own figures every 5 s, before each reading, and at its end. What is
    written is in the sums for ever, whatever becomes of the process: so they never go back,
    whichever process is asked. A breaker that was never called is not written.

    Args:
        breakers: breakers of this process.
        path: file of the host.
        clock: returns the time in seconds, the same for all processes of the host.
    """

    def __init__(
        self, breakers: Iterable[Breaker], path: Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._breakers = breakers
        self._path = path
        self._clock = clock
        self._lock = ProcessLock()
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        self._table: CounterTable | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._process = _new_id()
        self._written: dict[str, Figures] | None = None
        """Figures of this process in the file, by breaker; None before its first write."""
        self._seen: dict[str, Totals] = {}
        """Counts of this process at its last write."""
        self._kept: dict[str, Totals] = {}
        """Counts of this process that are in the file as those of one that has ended."""
        self._others: dict[str, Figures] = {}
        """Sums of the other processes, as they were read last."""

    def start(self) -> None:
        """Open the file, and write from now on; no effect if it runs."""
        with self._lock:
            if self._table is not None or BREAKERS.taken_over:
                return
            self._stopping = threading.Event()
            table = CounterTable(self._path, self._clock)
            try:
                table.open()
                thread = threading.Thread(
                    target=self._run,
                    args=(self._stopping,),
                    name="breakerd-counters",
                    daemon=True,
                )
                thread.start()
            except RuntimeError as error:
                table.close()
                _log.warning("counters of the host are not kept", error=str(error))
                return
            self._table, self._thread = table, thread
            self._write()

    def close(self) -> None:
        """Write for the last time, and end; takes at most some seconds."""
        with self._lock:
            table, thread, stopping = self._table, self._thread, self._stopping
        if table is None:
            return
        stopping.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_LIMIT)
        with self._lock:
            self._write(ended=True)
            table.close()
            seen, others = self._seen or self._kept, self._others
            self._begin()
            self._kept, self._others = seen, others

    def after_fork(self) -> None:
        """Begin anew in a forked child: what the parent has counted is the parent's."""
        seen = self._seen or self._kept
        self._begin()
        self._kept = seen

    def read(self) -> dict[str, Figures] | None:
        """Return the sums of all processes by breaker; None if this process does not write.

        While the file fails, all counts stay as they were: what is not in it, another process
        would not tell.
        """
        if self._table is None:
            return None
        if self._lock.acquire(_WAIT):
            try:
                self._write()
                self._read_others()
            finally:
                self._lock.release()
        return _sums(self._others, self._own())

    def _own(self) -> dict[str, Figures]:
        """Return the counts of this process that are in the file, with its figures of now."""
        now, written = _less(self._called(), self._kept), self._written
        if written is None:
            return now
        return {
            name: Figures(written[name].totals if name in written else Totals(), each.gauges)
            for name, each in now.items()
        }

    def _read_others(self) -> None:
        others = self._table.read(without=self._process) if self._table is not None else None
        if others is not None:
            self._others = others

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.wait(INTERVAL):
            with self._lock:
                if self._stopping is stopping:
                    self._write()

    def _write(self, *, ended: bool = False) -> None:
        """Write what has changed; once more as another process, if this one was taken for ended."""
        if self._table is None or BREAKERS.taken_over:
            return
        called = self._called()
        if not called and self._written is None:
            return
        if self._write_less(self._table, called, ended=ended) is False:
            self._kept = self._seen
            self._process, self._written = _new_id(), None
            self._write_less(self._table, called, ended=ended)

    def _write_less(
        self, table: CounterTable, called: dict[str, Figures], *, ended: bool
    ) -> bool | None:
        known = self._written
        own = _less(called, self._kept)
        changed = {name: each for name, each in own.items() if each != (known or {}).get(name)}
        done = table.write(self._process, changed, known=known is not None, ended=ended)
        if done:
            self._written = own
            self._seen = {name: each.totals for name, each in called.items()}
        return done

    def _called(self) -> dict[str, Figures]:
        """Return the figures of the breakers of this process that have any."""
        found = {breaker.name: read_figures(breaker) for breaker in self._breakers}
        return {
            name: each
            for name, each in found.items()
            if each.totals != Totals() or each.gauges.in_flight
        }


def _less(figures: Mapping[str, Figures], kept: Mapping[str, Totals]) -> dict[str, Figures]:
    """Return the figures without the counts that are kept elsewhere."""
    found = {}
    for name, each in figures.items():
        totals = Totals()
        totals.add(each.totals)
        if name in kept:
            totals.add(kept[name], -1)
        found[name] = Figures(totals, each.gauges)
    return found


def _sums(*parts: Mapping[str, Figures]) -> dict[str, Figures]:
    sums: dict[str, Figures] = {}
    for part in parts:
        for name, each in part.items():
            total = sums.setdefault(name, Figures())
            total.totals.add(each.totals)
            total.gauges.add(each.gauges)
    return sums


def _new_id() -> str:
    return secrets.token_hex(8)
