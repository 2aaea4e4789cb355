"""What one process does over and over: looks at its breakers, and sends if it is its turn to."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.coordination.lease import Lease
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.incidents.observation import ObservationSource, PeerReport
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.incidents.reconciler import Reconciler
from breakerd.alerts.muting.silences import Silences
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.incident_log import IncidentLog, LeaseLostError
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
class Components:
    """What a worker works with."""

    store: Store
    lease: Lease
    incident_log: IncidentLog
    silences: Silences
    observer: BreakerObserver
    wishes: CommandQueue
    pipeline: DeliveryPipeline


class AlertWorker:
    """One process's part in alerting: all of it while it holds the lease, else what it sees.

    Args:
        parts: what it works with.
        now: seconds since the epoch.
    """

    def __init__(self, parts: Components, now: Callable[[], float]) -> None:
        self._parts = parts
        self._now = now
        self._reconciler = Reconciler(parts.incident_log, lambda: parts.silences.unexpired(now()))
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
        self._parts.pipeline.start(self._now, self.wake)

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
        self._parts.pipeline.stop(self._drain_until)
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
            self._parts.incident_log.compact(self._parts.pipeline.policies)

    def _release(self) -> None:
        with self._round:
            self._parts.pipeline.close()
            self._parts.lease.release()
            self._parts.store.close()

    # --- a round

    def run_round(self, settings: AlertingSettings) -> None:
        """Looks at the breakers, lets time pass, and delivers what is due if no thread does."""
        pipeline = self._parts.pipeline
        with self._round:
            for _ in range(_TURNS):
                self._lead(settings)
                if self._threaded or not self._parts.lease.held:
                    break
                before = pipeline.ack_polls
                pipeline.run(self._now())
                if pipeline.ack_polls == before:
                    break
            self._parts.incident_log.compact(pipeline.policies)
        pipeline.wake()

    def _lead(self, settings: AlertingSettings) -> None:
        """Brings incidents up to date, if it is this process that sends; else says what it sees."""
        now, parts = self._now(), self._parts
        with parts.incident_log.lock:
            parts.observer.poll(now)
            parts.silences.refresh(now)
            sends = self.claim(settings)
            self._testify()
            if not sends:
                return
            parts.wishes.execute(now)
            parts.pipeline.refresh_receivers()
            witnesses: list[ObservationSource] = [parts.observer, *self._others()]
            self._reconciler.round(now, witnesses, settings)
            self._write()

    def claim(self, settings: AlertingSettings) -> bool:
        """Whether this process sends; if it begins to, it takes up what the last one left."""
        lease, incident_log = self._parts.lease, self._parts.incident_log
        if self._parts.store.reopened():
            incident_log.rewrite()
        held, alone = lease.held, lease.standalone
        sends = lease.renew(settings.alerts.request_timeout)
        if held and not sends:
            if alone:
                incident_log.hand_over()
            incident_log.discard()
        elif sends and not lease.standalone and (lease.term != self._term or alone or not held):
            if held and not alone:
                # Another one has sent in between.
                incident_log.discard()
            self._term = lease.term
            incident_log.load_as_leader(self._now())
        elif sends and not held and self._parts.store.busy:
            # Who sent before hangs in the middle of writing. What it has told is not told again.
            incident_log.load_as_leader(self._now(), self._parts.observer.observations)
        return sends

    def _write(self) -> None:
        try:
            self._parts.incident_log.write(self._now())
        except LeaseLostError:
            self._parts.incident_log.discard()

    def _others(self) -> list[PeerReport]:
        """What the other processes see of their breakers."""
        lease = self._parts.lease
        found = []
        for text in self._parts.store.peer_reports(lease.boot, lease.clock() - _SILENT):
            try:
                found.append(PeerReport.from_json(text))
            except (ValueError, TypeError, KeyError) as error:
                _log.error("what another process wrote cannot be read", problem=repr(error))
        return found

    def _testify(self) -> None:
        """Tells whoever sends, or will, what this one sees: when it changes, and now and then."""
        observer, lease = self._parts.observer, self._parts.lease
        now, observations = lease.clock(), dict(observer.observations)
        before, at = self._testified
        if observations != before or (observations and now - at >= _TESTIFY_EVERY):
            testimony = PeerReport.from_source(observer, observer.closing_reasons)
            self._parts.store.publish_report(lease.boot, now, testimony.to_json())
            self._testified = (observations, now)
