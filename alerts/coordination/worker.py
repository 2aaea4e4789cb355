"""What one process does over and over: looks at its breakers, and sends if it is its turn to."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.coordination.lease import Lease
from breakerd.alerts.delivery.pipeline import Outbox
from breakerd.alerts.incidents.observation import Testimony, Witness
from breakerd.alerts.incidents.observer import Watcher
from breakerd.alerts.incidents.reconciler import Reconciler
from breakerd.alerts.muting.silences import Silencer
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.commands import Wishes
from breakerd.alerts.storage.incident_log import LeaseLostError, Ledger
from breakerd.alerts.storage.store import Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_IDLE: Final = 1.0
"""Seconds between two rounds, if nothing happens in between."""
_TURNS: Final = 3
"""So often a round begins anew where a receiver has just told what people made of an alert."""
_TESTIFY_EVERY: Final = 5.0
"""Seconds between two reports of what this process sees, where nothing has changed."""
_SILENT: Final = 15.0
"""A process that has not reported for so many seconds does not count any more."""
_GRACE: Final = 0.5
"""Seconds beyond the time to drain in which files are closed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker works with."""

    store: Store
    lease: Lease
    ledger: Ledger
    silencer: Silencer
    watcher: Watcher
    wishes: Wishes
    outbox: Outbox


class Worker:
    """One process's part in alerting: all of it while it holds the lease, else what it sees.

    Args:
        parts: what it works with.
        now: seconds since the epoch.
    """

    def __init__(self, parts: Parts, now: Callable[[], float]) -> None:
        self._parts = parts
        self._now = now
        self._reconciler = Reconciler(parts.ledger, lambda: parts.silencer.silences(now()))
        self._round = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._threaded = False
        self._drain_until = 0.0
        self._term = 0
        self._testified: tuple[object, float] = ({}, float("-inf"))

    # --- running

    def start(self, work: Callable[[], None]) -> None:
        """Does `work`, a round, at once after a `wake` and otherwise every second, on a thread."""
        self._threaded = True
        self._thread = threading.Thread(
            target=self._run, args=(work,), name="breakerd-alerts", daemon=True
        )
        self._thread.start()
        self._parts.outbox.start(self._now, self.wake)

    def wake(self) -> None:
        """Something has happened."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Delivers what is due, for at most about `timeout` seconds, and lets go of everything."""
        self._drain_until = time.monotonic() + timeout
        self._stopping.set()
        self.wake()
        thread, self._thread = self._thread, None
        if thread is None:
            self._release()
            return
        thread.join(timeout + _GRACE)
        if thread.is_alive():
            _log.warning("a receiver does not answer; what is left is in the file")

    def _run(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self._try(work)
            self._wake.wait(_IDLE)
            self._wake.clear()
        self._try(work)
        self._parts.outbox.stop(self._drain_until)
        self._try(self._finish)
        self._release()

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - the next round may do better, and somebody must page
            _log.exception("a round of alerting failed")

    def _finish(self) -> None:
        """The last word on what was delivered."""
        if self._parts.lease.held:
            self._write()
            self._parts.ledger.tidy(self._parts.outbox.receivers)

    def _release(self) -> None:
        with self._round:
            self._parts.outbox.close()
            self._parts.lease.release()
            self._parts.store.close()

    # --- a round

    def round(self, settings: AlertingSettings) -> None:
        """Looks at the breakers, lets time pass, and delivers what is due if no thread does."""
        outbox = self._parts.outbox
        with self._round:
            for _ in range(_TURNS):
                self.reconcile(settings)
                if self._threaded or not self._parts.lease.held:
                    break
                before = outbox.looks
                outbox.run(self._now())
                if outbox.looks == before:
                    break
            self._parts.ledger.tidy(outbox.receivers)
        outbox.wake()

    def reconcile(self, settings: AlertingSettings) -> None:
        """Brings incidents up to date, if it is this process that sends; else says what it sees."""
        now, parts = self._now(), self._parts
        with parts.ledger.lock:
            parts.watcher.look(now)
            parts.silencer.refresh(now)
            sends = self.claim(settings)
            self._testify()
            if not sends:
                return
            parts.wishes.grant(now)
            parts.outbox.mind_receivers()
            witnesses: list[Witness] = [parts.watcher, *self._others()]
            self._reconciler.round(now, witnesses, settings)
            self._write()

    def claim(self, settings: AlertingSettings) -> bool:
        """Whether this process sends; if it begins to, it takes up what the last one left."""
        lease, ledger = self._parts.lease, self._parts.ledger
        if self._parts.store.renewed():
            ledger.rewrite()
        held, alone = lease.held, lease.alone
        sends = lease.renew(settings.alerts.request_timeout)
        if held and not sends:
            if alone:
                ledger.hand_over()
            ledger.drop()
        elif sends and not lease.alone and (lease.term != self._term or alone or not held):
            if held and not alone:
                # Another one has sent in between.
                ledger.drop()
            self._term = lease.term
            ledger.take_over(self._now())
        elif sends and not held and self._parts.store.busy:
            # Who sent before hangs in the middle of writing. What it has told is not told again.
            ledger.take_over(self._now(), self._parts.watcher.sightings)
        return sends

    def _write(self) -> None:
        try:
            self._parts.ledger.write(self._now())
        except LeaseLostError:
            self._parts.ledger.drop()

    def _others(self) -> list[Testimony]:
        """What the other processes see of their breakers."""
        lease = self._parts.lease
        found = []
        for text in self._parts.store.testimonies(lease.boot, lease.clock() - _SILENT):
            try:
                found.append(Testimony.from_text(text))
            except (ValueError, TypeError, KeyError) as error:
                _log.error("what another process wrote cannot be read", problem=repr(error))
        return found

    def _testify(self) -> None:
        """Tells whoever sends, or will, what this one sees: when it changes, and now and then."""
        watcher, lease = self._parts.watcher, self._parts.lease
        now, sightings = lease.clock(), dict(watcher.sightings)
        before, at = self._testified
        if sightings != before or (sightings and now - at >= _TESTIFY_EVERY):
            testimony = Testimony.of(watcher, watcher.ended)
            self._parts.store.testify(lease.boot, now, testimony.as_text())
            self._testified = (sightings, now)
