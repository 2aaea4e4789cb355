"""Worker: the rounds of alerting in one process."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from breakerd.alerts.content.summary import Recall
from breakerd.alerts.coordination.leadership import Leadership
from breakerd.alerts.coordination.lease import Lease
from breakerd.alerts.coordination.relocation import Relocation
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.fleet.fleet_incidents import FleetIncidents, Round
from breakerd.alerts.incidents.observation import ObservationSource, PeerReport
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.incidents.reconciler import Reconciler
from breakerd.alerts.muting.silences import Silences
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import LeaseLostError, Store
from breakerd.breaker.logging import get_logger, relaying

_log = get_logger(__name__)

_IDLE_INTERVAL: Final = 1.0
"""Seconds between two rounds if nothing happens in between."""
_MAX_TURNS: Final = 3
"""Maximum number of turns in a round, repeated while polls show new states of alerts."""
_PUBLISH_INTERVAL: Final = 5.0
"""Seconds between two reports to peers if nothing has changed."""
_MAX_REPORT_AGE: Final = 15.0
"""Seconds after which the report of a silent peer does not count any more."""
_FLUSH_TIMEOUT: Final = 0.5
"""Maximum seconds that stopping waits for the log handlers."""
_UNABLE: Final = 30.0
"""Seconds after which another host may try: a receiver fails here, or none pages anybody."""
_CLOSE_GRACE: Final = 0.5
"""Seconds beyond the time to drain in which files are closed."""


@dataclass(frozen=True, slots=True)
class Components:
    """Components that a worker drives."""

    store: Store
    lease: Lease
    incident_log: IncidentLog
    silences: Silences
    observer: BreakerObserver
    commands: CommandQueue
    pipeline: DeliveryPipeline
    leadership: Leadership
    relocation: Relocation
    fleet: FleetIncidents
    recall: Recall


class AlertWorker:
    """Alerting in one process. The leader reconciles and delivers; a follower only publishes.

    Args:
        components: what it drives.
        now: returns seconds since the epoch.
    """

    def __init__(self, components: Components, now: Callable[[], float]) -> None:
        self._components = components
        self._now = now
        self._fleet = components.fleet
        self._reconciler = Reconciler(
            components.incident_log,
            components.silences.find,
            self._fleet.census,
            components.recall,
        )
        self._round = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._threaded = False
        self._drain_until = 0.0
        self._published: object = {}
        self._published_at = float("-inf")
        self._publish_until = float("-inf")
        """Until then peers are told why trouble ended that is over here."""

    @property
    def in_fleet(self) -> bool:
        """True if a hub joins this host with others."""
        return self._fleet.joined

    # --- lifecycle

    def start(self, work: Callable[[], None]) -> None:
        """Call `work` on a thread: at once after `wake`, and otherwise every second.

        Raises:
            RuntimeError: a thread cannot be started; `stop` ends those that were.
        """
        self._threaded = True
        relaying.start()
        self._components.pipeline.start(self._now, self.wake)
        thread = threading.Thread(
            target=self._run, args=(work,), name="breakerd-alerts", daemon=True
        )
        thread.start()
        self._thread = thread

    @property
    def alive(self) -> bool:
        """True while its thread does rounds."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def wake(self) -> None:
        """Start the next round at once. Thread-safe."""
        self._wake.set()

    def stop(self, timeout: float) -> None:
        """Deliver what is due, for at most about `timeout` seconds, and release everything."""
        self._drain_until = time.monotonic() + timeout
        self._stopping.set()
        self.wake()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout + _CLOSE_GRACE)
            if thread.is_alive():
                _log.warning("shutdown timeout: undelivered steps kept in database")
        else:
            self._components.pipeline.stop(self._drain_until)
            self._release()
        if self._threaded:
            self._threaded = False  # to stop again does nothing to the relay of others
            relaying.stop(_FLUSH_TIMEOUT)

    def _run(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            self._try(work)
            self._wake.wait(_IDLE_INTERVAL)
            self._wake.clear()
        self._try(work)
        self._components.pipeline.stop(self._drain_until)
        self._try(self._finish)
        self._release()

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - the next round may succeed, and somebody must page
            _log.exception("alert round failed")

    def _finish(self) -> None:
        """Save what was delivered last."""
        if self._components.lease.held:
            self._write()
            self._components.incident_log.compact(self._components.pipeline.policies)

    def _release(self) -> None:
        with self._round:
            self._components.pipeline.close()
            self._fleet.close()
            self._components.lease.release()
            self._components.store.close()

    # --- a round

    def run_round(self, settings: AlertingSettings) -> None:
        """Poll the breakers, reconcile the incidents, and deliver if no thread does.

        Each breaker is asked for its status at most once in a round.
        """
        pipeline, observer = self._components.pipeline, self._components.observer
        with self._round:
            with self._components.incident_log.lock:
                observer.poll(self._now())
            self._fleet.look(self._wanted(settings))
            for _ in range(_MAX_TURNS):
                self._lead(settings)
                if self._threaded or not self._components.lease.held:
                    break
                before = pipeline.ack_polls
                pipeline.run(self._now())
                if pipeline.ack_polls == before:
                    break
            self._components.incident_log.compact(pipeline.policies)
            observer.end_round()
            self._fleet.tell()
        pipeline.wake()

    def _wanted(self, settings: AlertingSettings) -> Round:
        alerts, pipeline = settings.alerts, self._components.pipeline
        able = pipeline.paging and pipeline.successful
        patience = float("inf") if able else _UNABLE
        return Round(alerts.request_timeout, alerts.resolve_after, patience)

    def _lead(self, settings: AlertingSettings) -> None:
        """Reconcile the incidents if this process is the leader; publish observations to peers."""
        now, components = self._now(), self._components
        with components.incident_log.lock:
            leads = self._acquire(now, settings)
            components.silences.refresh()
            self._publish_observations(settings)
            if not leads or components.relocation.waits_for_peers(now):
                return
            sources: list[ObservationSource] = [components.observer, *self._peer_observations()]
            if not self._fleet.lead(now, sources, self._wanted(settings)):
                return
            sources += self._fleet.other_hosts()
        if any(source.observations for source in sources) or components.incident_log.has_open:
            self._fleet.count()
        with components.incident_log.lock:
            components.commands.execute(now)
            components.pipeline.refresh_receivers()
            self._reconciler.reconcile(now, sources, settings)
            self._write()

    def _acquire(self, now: float, settings: AlertingSettings) -> bool:
        """Return True if this process is the leader, in the database that it is to use."""
        leadership, relocation = self._components.leadership, self._components.relocation
        leads = leadership.acquire(now, settings)
        if not relocation.run(now, settings.alerts.request_timeout, leads=leads):
            return leads
        # The peers there know nothing of what this process observes.
        self._published_at = float("-inf")
        return leadership.acquire(now, settings)

    def _write(self) -> None:
        try:
            self._components.incident_log.write(self._now())
        except LeaseLostError:
            self._components.incident_log.discard()

    def _peer_observations(self) -> list[PeerReport]:
        lease = self._components.lease
        after = lease.clock() - _MAX_REPORT_AGE
        found = []
        for text in self._components.store.peer_reports(lease.boot, after):
            try:
                found.append(PeerReport.from_json(text))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                _log.error("peer report is invalid", problem=repr(error))
        return found

    def _publish_observations(self, settings: AlertingSettings) -> None:
        """Publish what this process observes, if it has peers: on a change, and periodically.

        What ended trouble is published until its incident is over.
        """
        observer, lease, store = (
            self._components.observer, self._components.lease, self._components.store,
        )  # fmt: skip
        self._fleet.census.peers = store.count_peers(lease.boot)
        if not self._fleet.census.peers:
            # A peer that comes later gets a report at once.
            self._published_at = float("-inf")
            return
        now, observations = lease.clock(), dict(observer.observations)
        due = now - self._published_at >= _PUBLISH_INTERVAL
        if changed := observations != self._published:
            self._publish_until = now + settings.alerts.resolve_after + _PUBLISH_INTERVAL
        if changed or (due and (observations or now < self._publish_until)):
            report = PeerReport.from_source(observer, observer.closing_reasons)
            store.publish_report(lease.boot, now, report.to_json())
            self._published, self._published_at = observations, now
