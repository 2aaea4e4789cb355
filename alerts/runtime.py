"""Everything of alerting that runs in one process: database, lease, threads, connections."""

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from breakerd.alerts.coordination.clock import shared_monotonic_clock
from breakerd.alerts.coordination.leadership import Leadership
from breakerd.alerts.coordination.lease import Lease, boot_id
from breakerd.alerts.coordination.relocation import Relocation, is_same
from breakerd.alerts.coordination.watchdog import Watchdog
from breakerd.alerts.coordination.worker import AlertWorker, Components
from breakerd.alerts.delivery.journal import JournalHook
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.fleet.fleet_incidents import FleetIncidents
from breakerd.alerts.fleet.link import FleetLink
from breakerd.alerts.heartbeat.heartbeats import Heartbeats
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.incidents.recall import FindRecord, HostRecall, own_history
from breakerd.alerts.muting.silences import Silences
from breakerd.alerts.paging import PagingReporter
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.alerts.settings.config_subscriber import AlertingConfigSubscriber, SecretsThread
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.status import StatusReporter
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.database_pointer import DatabasePointer
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import Store
from breakerd.breaker.events.events import Event
from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

_log = get_logger(__name__)


class AlertingRuntime:
    """Alerting as it runs in one process, from its start to its end. Thread-safe.

    It opens the database and acquires the lease when it is made. A forked child makes its own.

    Args:
        registry: registry of the breakers to observe.
        settings: settings to begin with.
        config: the file that they come from; None if there is none.
        now: returns seconds since the epoch, and never goes back. If given, no thread runs, and the
            caller runs each round with `run_once`.
        folder: folder of a relative path of the database.
        link: link to the fleet.
        journal: told what became of each alert.
        find_record: finds the record of the host.

    Attributes:
        settings: the present settings.
        status: what is known, for those who show it.
    """

    def __init__(
        self,
        registry: Registry,
        settings: AlertingSettings,
        config: AlertingConfigSubscriber | None,
        now: Callable[[], float] | None,
        folder: Path,
        link: FleetLink,
        journal: JournalHook,
        find_record: FindRecord,
    ) -> None:
        self.settings = settings
        self._config = config
        self._secrets = SecretsThread(config.follow_secrets) if config is not None else None
        self._driven = now is not None
        self._folder = folder
        wanted = folder / settings.alerts.database
        pointer = DatabasePointer(folder, config.path) if config is not None else None
        self.store = _open_store(wanted, pointer)
        self.now = now or shared_monotonic_clock(self.store, boot_id())
        clock, boot = (now, "driven") if now else (time.monotonic, boot_id())
        self.incident_log = IncidentLog(self.store)
        self.silences = Silences(self.store.silences, self.now())
        self.observer = BreakerObserver(registry, settings, self.now, driven=self._driven)
        self.commands = CommandQueue(self.store, self.incident_log)
        recall = HostRecall(own_history(registry), find_record)
        lease = Lease(self.store, clock, boot)
        fleet = FleetIncidents(link, self.store, lease, self.incident_log, self.commands, self.now)
        self.pipeline = DeliveryPipeline(
            self.incident_log, settings, lambda: lease.valid and fleet.sender.may_send, journal
        )
        leadership = Leadership(self.store, lease, self.incident_log, self.observer)
        self.relocation = Relocation(self.store, lease, leadership, self.incident_log, pointer)
        components = Components(
            self.store, lease, self.incident_log, self.silences, self.observer, self.commands,
            self.pipeline, leadership, self.relocation, fleet, recall,
        )  # fmt: skip
        self.worker = AlertWorker(components, self.now)
        self.heartbeats = Heartbeats(settings, threaded=not self._driven)
        self.watchdog = Watchdog(
            clock, self.now, lambda: self._driven or self.worker.alive, self.pipeline.stalls
        )
        paging = PagingReporter(
            self.pipeline, self.incident_log, self.silences.find, self.watchdog.not_running,
            lambda: self.settings, self.now,
        )  # fmt: skip
        self.status = StatusReporter(
            paging, self.pipeline, self.heartbeats, self.incident_log, lambda: self.settings,
            self.now, self.watchdog,
        )  # fmt: skip
        leadership.acquire(self.now(), settings)
        self.relocation.request(wanted)

    def start(self) -> None:
        """Start the threads, unless it is driven.

        Raises:
            RuntimeError: a thread cannot be started.
        """
        self.pipeline.log_receivers()
        if self.settings.opsgenie.active:
            self._log_identity()
        self.watchdog.start()
        if self._config is not None:
            self._config.watch()
        if self._driven:
            return
        if self._secrets is not None:
            self._secrets.start()
        self.worker.start(self.run_once)

    def close(self, timeout: float) -> None:
        """Deliver what is due, for at most about `timeout` seconds, and release everything."""
        if self._config is not None:
            self._config.unwatch()
        if self._secrets is not None:
            self._secrets.stop()
        self.watchdog.stop()
        self.worker.stop(timeout)
        self.heartbeats.close()

    def run_once(self) -> None:
        """Run one round: poll the breakers, advance the incidents, and deliver what is due."""
        if self._driven and self._config is not None:
            self._config.follow_secrets()
        self.worker.run_round(self.settings)
        self.heartbeats.run_due(self.now(), self.pipeline.round_succeeded_at)
        self.watchdog.complete_round()

    def _log_identity(self) -> None:
        identity = resolve_identity(self.settings.opsgenie)
        for problem in identity.problems:
            _log.warning(problem)
        for gap in identity.gaps:
            _log.info(gap)

    def notice(self, event: Event) -> None:
        """Keep the evidence of an event, and wake the worker. Called by the engine."""
        self.observer.on_event(event)
        self.worker.wake()

    def apply(self, settings: AlertingSettings) -> None:
        """Apply settings. Open incidents keep their stages, and move to another `database`."""
        with self.incident_log.lock:
            if settings.alerts.database != self.settings.alerts.database:
                self.relocation.request(self._folder / settings.alerts.database)
            self.settings = self.observer.settings = settings
            self.pipeline.reconfigure(settings)
        self.heartbeats.reconfigure(settings)
        self.worker.wake()


def _open_store(wanted: Path, pointer: DatabasePointer | None) -> Store:
    """Open the database of the settings, or the former one, from which alerting is to move."""
    process = uuid.uuid4().hex[:12]
    former = pointer.read() if pointer is not None else None
    if former is not None and not is_same(former, wanted):
        store = Store(former, process)
        store.open()
        if not (store.problem or store.quarantined):
            return store
        _log.error("the former database cannot be used", path=str(former), problem=store.problem)
        store.close()
    store = Store(wanted, process)
    store.open()
    return store


def present_folder() -> Path:
    """Return the working folder as it is now: a daemon changes it later."""
    with suppress(FileNotFoundError):  # it was deleted
        return Path.cwd()
    return Path()
