"""Alerting: observes the breakers of a registry, and delivers their incidents to receivers."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Self

from breakerd.alerts.coordination.clock import shared_monotonic_clock
from breakerd.alerts.coordination.leadership import Leadership
from breakerd.alerts.coordination.lease import Lease, boot_id
from breakerd.alerts.coordination.watchdog import Watchdog
from breakerd.alerts.coordination.worker import AlertWorker, Components
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.heartbeat.heartbeats import Heartbeats
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.model.silence import SilenceRequest
from breakerd.alerts.muting.silences import Silences
from breakerd.alerts.paging import PagingReporter
from breakerd.alerts.settings.alerting import (
    OPSGENIE_SECTION,
    AlertingSettings,
    read_settings,
)
from breakerd.alerts.settings.change import change_settings
from breakerd.alerts.settings.config_subscriber import AlertingConfigSubscriber
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.status import AlertStats, StatusReporter, full_status, silence_status
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import Store
from breakerd.breaker.config import ConfigFile, Key
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.events.events import Event
from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

_log = get_logger(__name__)


class Alerting:
    """Alerting for one registry. Thread-safe.

    As a context manager it starts at entry, and delivers what is due at exit.

    Args:
        registry: registry of the breakers to observe.
        settings: settings of both sections; environment variables are not read again.
        now: returns seconds since the epoch, and never goes back. If given, no thread runs, and the
            caller runs each round with `run_once`.

    Attributes:
        registry: the registry.
        settings: the present settings; see `apply`.
        status: what is known, for those who show it.
    """

    def __init__(
        self,
        registry: Registry,
        settings: AlertingSettings | None = None,
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        self.registry = registry
        self.settings = settings or AlertingSettings()
        self._driven = now is not None
        self._config: AlertingConfigSubscriber | None = None
        self._store = Store(self.settings.alerts.database, uuid.uuid4().hex[:12])
        self._store.open()
        self._now = now or shared_monotonic_clock(self._store, boot_id())
        clock, boot = (now, "driven") if now else (time.monotonic, boot_id())
        self._incident_log = IncidentLog(self._store)
        self._silences = Silences(self._store.silences, self._now())
        self._observer = BreakerObserver(registry, self.settings, self._now)
        self._commands = CommandQueue(self._store, self._incident_log)
        lease = Lease(self._store, clock, boot)
        self._pipeline = DeliveryPipeline(self._incident_log, self.settings, lambda: lease.valid)
        leadership = Leadership(self._store, lease, self._incident_log, self._observer)
        components = Components(
            self._store, lease, self._incident_log, self._silences, self._observer, self._commands,
            self._pipeline, leadership,
        )  # fmt: skip
        self._worker = AlertWorker(components, self._now)
        self._heartbeats = Heartbeats(self.settings, threaded=not self._driven)
        self._watchdog = Watchdog(
            clock, self._now, lambda: self._driven or self._worker.alive, self._pipeline.stalls
        )
        paging = PagingReporter(
            self._pipeline, self._incident_log, self._silences.find, self._watchdog.not_running,
            lambda: self.settings, self._now,
        )  # fmt: skip
        self.status = StatusReporter(
            paging, self._pipeline, self._heartbeats, self._incident_log, lambda: self.settings,
            self._now, self._watchdog,
        )  # fmt: skip
        self._leave: Callable[[], None] = _nothing
        leadership.acquire(self._now(), self.settings)

    @classmethod
    def from_file(cls, path: str | PathLike[str], registry: Registry) -> Self:
        """Build alerting that follows a file. It shares the registry's watch of the same file.

        Raises:
            ConfigError: its sections are invalid; holds every problem found.
        """
        config = ConfigFile(path)
        shared = registry.config
        own = shared is None or shared.path.resolve() != config.path.resolve()
        alerting = cls(registry, read_settings(config.document))
        try:
            alerting._follow(config if own or shared is None else shared, owned=own)
        except ConfigError:
            alerting.close()
            raise
        return alerting

    # --- lifecycle

    def start(self) -> None:
        """Start observing and delivering."""
        self._leave = self.registry.subscribe(self._notice)
        self._pipeline.log_receivers()
        for problem in resolve_identity(self.settings.opsgenie).problems:
            _log.warning(problem)
        if self._config is not None:
            self._config.start(threaded=not self._driven)
        self._watchdog.start()
        if not self._driven:
            self._worker.start(self.run_once)

    def close(self, timeout: float = 5.0) -> None:
        """Deliver what is due, for at most about `timeout` seconds; the database keeps the rest."""
        self._leave()
        self._leave = _nothing
        if self._config is not None:
            self._config.close()
            self._config = None
        self._watchdog.stop()
        self._worker.stop(timeout)
        self._heartbeats.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run_once(self) -> None:
        """Run one round: poll the breakers, advance the incidents, and deliver what is due."""
        if self._driven and (config := self._config) is not None:
            config.follow_secrets()
        self._worker.run_round(self.settings)
        self._heartbeats.run_due(self._now(), self._pipeline.round_succeeded_at)
        self._watchdog.complete_round()

    def _notice(self, event: Event) -> None:
        """Keep the evidence of an event, and wake the worker. Called by the engine."""
        self._observer.on_event(event)
        self._worker.wake()

    # --- settings

    def apply(self, settings: AlertingSettings) -> None:
        """Apply settings. Open incidents keep their stages and their texts.

        Another `database` is used from the next start.
        """
        with self._incident_log.lock:
            self.settings = self._observer.settings = settings
            self._pipeline.reconfigure(settings)
        self._heartbeats.reconfigure(settings)
        self._worker.wake()

    def change(self, values: Mapping[str, object]) -> OpsGenieSettings:
        """Change keys of `[opsgenie]`; see `change_keys`."""
        changes: dict[Key, object] = {(OPSGENIE_SECTION, key): values[key] for key in values}
        return self.change_keys(changes).opsgenie

    def change_keys(self, changes: Mapping[Key, object]) -> AlertingSettings:
        """Change keys of both sections: check them, apply them, and write them to the file.

        Args:
            changes: new values by their keys, as ("opsgenie", "priority"). None removes a key.

        Raises:
            ConfigError: a value is invalid, or a key is unknown or may be changed in the file only,
                such as a secret; nothing was changed.
            ConfigConflictError: the file cannot be edited now; nothing was changed.
            ConfigWriteError: the change is active, but could not be written to the file.
        """
        config = self._config
        changed = change_settings(self.settings, config.document if config else None, changes)
        # Not under the lock: the file acquires its own lock first, then this one.
        if config is not None:
            config.change(changes)
        else:
            self.apply(changed)
        return self.settings

    def _follow(self, config: ConfigFile, *, owned: bool) -> None:
        self._config = AlertingConfigSubscriber(
            config, owned=owned, present=lambda: self.settings, apply=self.apply
        )

    # --- silences

    def silences(self) -> list[dict[str, Any]]:
        """Return the silences that have not ended, of all processes, as JSON-able data."""
        self._silences.refresh()
        return [silence_status(silence) for silence in self._silences.unexpired(self._now())]

    def maintenance(self) -> list[dict[str, Any]]:
        """Return the maintenance windows as JSON-able data; `ends_at` is set in an open one."""
        return self.status.maintenance()

    def add_silence(
        self,
        *,
        author: str,
        reason: str,
        seconds: float,
        breaker: str = "*",
        kind: str = "*",
        matchers: Sequence[str] = (),
        starts_at: float | None = None,
    ) -> str:
        """Mute alerts for a time, and return the silence's id.

        An incident that is still open when the silence ends is notified then.

        Args:
            author: person who adds it.
            reason: reason, shown beside it.
            seconds: duration, 1 s to 90 days.
            breaker: shell pattern of breaker names.
            kind: "open", "memory", "latency", "degraded", or "*" for all.
            matchers: further conditions, such as `Team=payments` or `Environment!=prod`.
            starts_at: seconds since the epoch, at most a year ahead; None for now.

        Raises:
            ValueError: a value is invalid, the silence is over, or there are too many silences.
            NotStoredError: the database cannot be written; there is no silence.
        """
        wanted = SilenceRequest(author, reason, seconds, breaker, kind, tuple(matchers), starts_at)
        silence_id = self._silences.add(self._now(), wanted)
        self._worker.wake()
        return silence_id

    def end_silence(self, silence_id: str) -> None:
        """End a silence now.

        Raises:
            KeyError: no silence has that id.
            NotStoredError: the database cannot be written; the silence lasts.
        """
        self._silences.end(self._now(), silence_id)
        self._worker.wake()

    # --- dead letters

    def retry(self, incident_id: str) -> int:
        """Requeue the dead letters of an incident; return the number of receivers.

        Raises:
            KeyError: no incident has that id.
            NotStoredError: the database cannot be written; nothing was changed.
        """
        found = len(self._incident_log.get(incident_id).dead_letters)
        if found:
            self._commands.retry(incident_id)
            self._worker.wake()
        return found

    def discard(self, incident_id: str, author: str, reason: str) -> int:
        """Discard the dead letters of an incident; return the number of receivers.

        Args:
            incident_id: id of the incident.
            author: person who discards them.
            reason: reason, shown in the incident.

        Raises:
            KeyError: no incident has that id.
            NotStoredError: the database cannot be written; nothing was changed.
        """
        found = len(self._incident_log.get(incident_id).dead_letters)
        if found:
            self._commands.discard(incident_id, author, reason)
            self._worker.wake()
        return found

    def incident(self, incident_id: str) -> dict[str, Any] | None:
        """Return an incident in full as JSON-able data; None if no incident has that id."""
        try:
            return full_status(self._incident_log.get(incident_id))
        except KeyError:
            return None

    @property
    def paging(self) -> bool:
        """True if a person is notified of incidents."""
        return self.status.paging

    def problems(self) -> list[str]:
        """Return the problems that keep alerts from reaching people, as sentences."""
        return self.status.problems()

    def health(self) -> dict[str, Any]:
        """Return `ok` (True if alerts can leave), `stalled`, `paging` and the `problems`.

        To page nobody by choice is ok; to be configured to page, and unable to, is not.
        `stalled` is True if rounds, or the delivery to a receiver, have stopped.
        """
        return self.status.health()

    def stats(self) -> AlertStats:
        """Return the figures for metrics."""
        return self.status.stats()

    def incidents(self, *, limit: int = 100, state: str | None = None) -> list[dict[str, Any]]:
        """Return the latest incidents, newest first, as JSON-able data.

        Args:
            limit: maximum number of incidents.
            state: only those in this phase: "active", "resolving" or "closed"; None for all.
        """
        return self.status.incidents(limit, state)

    def staged_alerts(self, breaker: str) -> dict[str, Any]:
        """Return the stages of one breaker's incidents, in go-breaker's form."""
        return self.status.stages(breaker)

    def opsgenie_status(self) -> dict[str, Any]:
        """Return `[opsgenie]` in go-breaker's form, the key masked, and the receivers."""
        return self.status.opsgenie()

    def receivers(self) -> list[dict[str, Any]]:
        """Return the state of each receiver and of its heartbeat, as JSON-able data.

        Times are in seconds since the epoch; None if never, or if there is no heartbeat.
        """
        return self.status.receivers()


def _nothing() -> None:
    """Leave nothing, before `start` and after `close`."""
