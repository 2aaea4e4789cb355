"""Alerting: observes the breakers of a registry, and delivers their incidents to receivers."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Final, Self

from breakerd.alerts.delivery.journal import JournalHook
from breakerd.alerts.fleet.link import FleetLink, NoFleet
from breakerd.alerts.incidents.recall import own_history
from breakerd.alerts.lifecycle import HOW_TO_START, Lifecycle
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.operations import AlertingOperations
from breakerd.alerts.report.collect import Sources, collect
from breakerd.alerts.report.gather import gather
from breakerd.alerts.report.lookup import MAX_LATEST, UnknownIncidentError, lookup
from breakerd.alerts.report.report import IncidentReport
from breakerd.alerts.runtime import AlertingRuntime, present_folder
from breakerd.alerts.settings.alerting import (
    OPSGENIE_SECTION,
    AlertingSettings,
    read_settings,
)
from breakerd.alerts.settings.change import change_settings
from breakerd.alerts.settings.config_subscriber import AlertingConfigSubscriber
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.storage.relocation import database_problem
from breakerd.alerts.unpaged import UnpagedLog
from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.config import ConfigFile, Key
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.events.events import Event
from breakerd.breaker.record.event import RecordEvent
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.record.settings import read_history_section, record_beside, record_file
from breakerd.breaker.registry import Registry
from breakerd.breaker.settings import Settings

CLOSE_TIMEOUT: Final = 2.0
"""Seconds that `close` delivers what is due; with what follows it takes at most about 3 s, so that
the process has ended 5 s after it was asked to."""


class Alerting(AlertingOperations):
    """Alerting for one registry. Thread-safe.

    It opens and starts nothing until `start`, in whichever process that is: a forked child starts
    its own. As a context manager it starts at entry, and delivers what is due at exit. It may be
    started again after `close`.

    Where it does not run, reading methods answer at once from the settings, and say that nobody is
    paged; a breaker that opens is logged as an error, once.

    Args:
        registry: registry of the breakers to observe.
        settings: settings of both sections; environment variables are not read again.
        now: returns seconds since the epoch, and never goes back. If given, no thread runs, and the
            caller runs each round with `run_once`.
        starter: what starts it, as part of a sentence, if that is not the caller; a breaker that
            opens before is not logged then.

    Attributes:
        registry: the registry.
        settings: the present settings; see `apply`.
    """

    def __init__(
        self,
        registry: Registry,
        settings: AlertingSettings | None = None,
        *,
        now: Callable[[], float] | None = None,
        starter: str = "",
    ) -> None:
        super().__init__(
            registry, settings or AlertingSettings(), Lifecycle(starter or HOW_TO_START)
        )
        self._now = now
        self._folder = present_folder()
        self._config: AlertingConfigSubscriber | None = None
        self._unpaged = None if starter else UnpagedLog()
        self._unsubscribe: Callable[[], None] | None = registry.subscribe(self._notice)
        self.fleet: FleetLink = NoFleet()
        """Fleet of this process, from the next start on."""
        self.journal = JournalHook()
        """Told each step of an alert that this process sends, see `JournalHook.tell`."""

    @classmethod
    def from_file(cls, path: str | PathLike[str], registry: Registry, *, starter: str = "") -> Self:
        """Build alerting that follows a file. It shares the registry's watch of the same file.

        Raises:
            ConfigError: its sections are invalid; holds every problem found.
        """
        config = ConfigFile(path)
        shared = registry.config
        own = shared is None or shared.path.resolve() != config.path.resolve()
        alerting = cls(registry, read_settings(config.document), starter=starter)
        try:
            alerting._follow(config if own or shared is None else shared, owned=own)
        except ConfigError:
            alerting._observe_nothing()
            raise
        return alerting

    # --- lifecycle

    def start(self) -> None:
        """Start observing and delivering in this process; no effect if it runs already.

        Nor while a test has taken the breakers over, unless the caller runs the rounds.

        Raises:
            ConfigError: the file has become invalid since `close`; holds every problem found.
            RuntimeError: a thread cannot be started.
        """
        if self._in_test:
            return
        started = self._lifecycle.start(self._open, self._discard)
        runtime = self._lifecycle.current
        # Whoever applied settings meanwhile found nothing to apply them to.
        if started and runtime is not None and runtime.settings is not self.settings:
            runtime.apply(self.settings)

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Deliver what is due, for at most about `timeout` seconds; the database keeps the rest.

        No effect in a process that has not started it, apart from the end of what is logged.
        """
        self._observe_nothing()  # before: who starts it again meanwhile observes all
        runtime = self._lifecycle.end()
        if runtime is not None:
            runtime.close(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run_once(self) -> None:
        """Run one round: poll the breakers, advance the incidents, and deliver what is due.

        Raises:
            NotStoredError: alerting does not run in this process.
        """
        self._runtime.run_once()

    def _open(self) -> AlertingRuntime:
        if self._unsubscribe is None:
            self._unsubscribe = self.registry.subscribe(self._notice)
        if self._config is not None:
            self._config.subscribe()
        runtime = AlertingRuntime(
            self.registry, self.settings, self._config, self._now, self._folder, self.fleet,
            self.journal,
            self._find_record,
        )  # fmt: skip
        try:
            runtime.start()
        except BaseException:
            runtime.close(0.0)
            raise
        return runtime

    def _discard(self, runtime: AlertingRuntime) -> None:
        """End what was closed while it was being started."""
        self._observe_nothing()
        runtime.close(0.0)

    def _notice(self, event: Event) -> None:
        """Observe an event, or log that nobody does. Called by the engine."""
        if self._in_test:
            return
        if (runtime := self._lifecycle.current) is not None:
            runtime.notice(event)
        elif self._unpaged is not None and not self._lifecycle.starting:
            self._unpaged.notice(event, self._lifecycle.reason)

    @property
    def _in_test(self) -> bool:
        """True if what breakers do is a test's: nobody is paged for it."""
        return self._now is None and BREAKERS.taken_over

    def _observe_nothing(self) -> None:
        """End what is observed: the registry, and the file."""
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
        if self._config is not None:
            self._config.unsubscribe()

    # --- reports

    def incident_report(self, wanted: str, acts: Sequence[RecordEvent] = ()) -> IncidentReport:
        """Return the report of an incident for the post-mortem. Takes some milliseconds or more.

        Args:
            wanted: id of the incident, the beginning of it, or the alias of its alert.
            acts: what operators did, for a host that keeps no record of it.

        Raises:
            UnknownIncidentError: no incident is meant, or several are; names the near ones.
        """
        runtime = self._lifecycle.current
        if runtime is None:
            raise UnknownIncidentError(f"incidents cannot be read: {self._lifecycle.reason}")
        log, now = runtime.incident_log, runtime.now()
        found = log.find(wanted) or log.store.find(wanted) or lookup(wanted, log.latest(MAX_LATEST))
        with log.lock:  # it goes on changing meanwhile
            incident = Incident.from_dict(found.as_dict())
        own = own_history(self.registry)
        sources = Sources(self._find_record(), own, self._percentile, acts)
        return gather(incident, collect(incident, sources, now), now)

    def _percentile(self, breaker: str) -> float:
        found = self.registry.find(breaker)
        return (found.settings if found is not None else Settings()).percentile

    def _find_record(self) -> RecordReader | None:
        """Return the record of the host, as the file or the database has it; None if it is off."""
        if self._config is not None:
            document = self._config.document
            if not read_history_section(document).enabled:
                return None
            return RecordReader(record_file(document, self._folder))
        return RecordReader(record_beside(self._folder / self.settings.alerts.database))

    # --- settings

    def apply(self, settings: AlertingSettings) -> None:
        """Apply settings. Open incidents keep their stages, and move to another `database`."""
        self.settings = settings
        if (runtime := self._lifecycle.current) is not None:
            runtime.apply(settings)

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
        followed = AlertingConfigSubscriber(
            config,
            owned=owned,
            present=lambda: self.settings,
            apply=self.apply,
            database_problem=lambda path: database_problem(self._folder / path),
        )
        followed.subscribe()
        self._config = followed
