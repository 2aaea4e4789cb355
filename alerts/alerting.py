"""Alerting: watches the breakers of a registry, keeps their incidents, and has them delivered."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from breakerd.alerts.coordination.clock import shared_monotonic_clock
from breakerd.alerts.coordination.leadership import Leadership
from breakerd.alerts.coordination.lease import Lease, boot_id
from breakerd.alerts.coordination.worker import AlertWorker, Components
from breakerd.alerts.delivery.pipeline import DeliveryPipeline
from breakerd.alerts.heartbeat.heartbeats import Heartbeats
from breakerd.alerts.incidents.observer import BreakerObserver
from breakerd.alerts.model.incident import Incident
from breakerd.alerts.model.silence import SilenceRequest
from breakerd.alerts.muting.silences import Silences
from breakerd.alerts.settings.alerting import (
    ALERTS_SECTION,
    OPSGENIE_SECTION,
    AlertingSettings,
    read_secrets,
    read_settings,
)
from breakerd.alerts.settings.opsgenie import OpsGenieSettings
from breakerd.alerts.settings.service_identity import resolve_identity
from breakerd.alerts.status import (
    AlertStats,
    full_status,
    incident_status,
    settings_status,
    silence_status,
    stages_status,
)
from breakerd.alerts.storage.commands import CommandQueue
from breakerd.alerts.storage.incident_log import IncidentLog
from breakerd.alerts.storage.store import Store
from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.events.events import Event
from breakerd.breaker.logging import get_logger
from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from breakerd.alerts.settings.secrets import SecretSource

_log = get_logger(__name__)

_SECRETS_EVERY: Final = 2.0
"""Seconds between two looks at the files that hold secrets."""
_KEY: Final = "api_key"
_NO_SECRETS: Final = ConfigProblem(
    where="request",
    line=0,
    key=_KEY,
    found="a value that is not shown",
    allowed="to set OPSGENIE_API_KEY and restart, or to edit the file; no secret is written to it",
)


class Alerting:
    """The alerts of one registry. Thread-safe. A context manager: starts, and drains at the end.

    Args:
        registry: whose breakers are watched.
        settings: of both sections; the environment's variables are not looked at again.
        now: seconds since the epoch, never going back. If given, no thread runs, and each round is
            done by `run_once`.
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
        self._config: ConfigFile | None = None
        self._own_watch = False
        self._store = Store(self.settings.alerts.database, uuid.uuid4().hex[:12])
        self._store.open()
        self._now = now or shared_monotonic_clock(self._store, boot_id())
        clock, boot = (now, "driven") if now else (time.monotonic, boot_id())
        self._incident_log = IncidentLog(self._store)
        self._silences = Silences(self._store, self._now())
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
        self._secrets: SecretSource | None = None
        self._secrets_at = float("-inf")
        self._leave: Callable[[], None] = _nothing
        leadership.acquire(self._now(), self.settings)

    @classmethod
    def from_file(cls, path: str | PathLike[str], registry: Registry) -> Self:
        """Alerting as the file says, and as it will say: the registry's watch is shared.

        Raises:
            ConfigError: its sections are wrong; holds every problem found.
        """
        config = ConfigFile(path)
        shared = registry.config
        own = shared is None or shared.path.resolve() != config.path.resolve()
        alerting = cls(registry, read_settings(config.document))
        alerting._secrets = read_secrets(config.document)
        alerting._own_watch = own
        try:
            alerting._join(config if own or shared is None else shared)
        except ConfigError:
            alerting.close()
            raise
        return alerting

    # --- running

    def start(self) -> None:
        """Begins to watch, and to deliver."""
        self._leave = self.registry.subscribe(self._notice)
        self._pipeline.log_receivers()
        for problem in resolve_identity(self.settings.opsgenie).problems:
            _log.warning(problem)
        if self._own_watch and self._config is not None:
            self._config.watch()
        if not self._driven:
            self._worker.start(self.run_once)

    def close(self, timeout: float = 5.0) -> None:
        """Delivers what is due, for at most about `timeout` seconds; the rest is in the file."""
        self._leave()
        self._leave = _nothing
        self._leave_config()
        self._worker.stop(timeout)
        self._heartbeats.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def run_once(self) -> None:
        """One round: looks at the breakers, lets time pass, and delivers what is due."""
        self._follow_secrets()
        self._worker.run_round(self.settings)
        self._heartbeats.run_due(self._now(), self._pipeline.round_succeeded_at)

    def _notice(self, event: Event) -> None:
        """Called by the engine: puts the evidence away, and wakes."""
        self._observer.on_event(event)
        self._worker.wake()

    # --- settings

    def owns(self, section: str) -> bool:
        """Return True for `[opsgenie]` and `[alerts]`."""
        return section in {OPSGENIE_SECTION, ALERTS_SECTION}

    def prepare(self, document: Document) -> Callable[[], None]:
        """Alerting as a participant in the file: checks its sections.

        Raises:
            ConfigError: every problem in them.
        """
        settings, secrets = read_settings(document), read_secrets(document)

        def apply() -> None:
            self._secrets = secrets
            if settings != self.settings:
                self.apply(settings)

        return apply

    def _follow_secrets(self) -> None:
        """Takes up a key that was changed in the file that holds it."""
        now = time.monotonic()
        if self._secrets is None or self._config is None or now < self._secrets_at:
            return
        self._secrets_at = now + _SECRETS_EVERY
        if not self._secrets.changed():
            return
        try:
            self.prepare(self._config.document)()
        except ConfigError as error:
            self._secrets = read_secrets(self._config.document)
            _log.error("a secret cannot be taken up", problem=str(error))
        else:
            _log.info("a secret has changed, and is in force")

    def apply(self, settings: AlertingSettings) -> None:
        """Puts settings in force. Incidents that run keep their stages and their words.

        Another `database` counts from the next start.
        """
        with self._incident_log.lock:
            self.settings = self._observer.settings = settings
            self._pipeline.reconfigure(settings)
        self._heartbeats.reconfigure(settings)
        self._worker.wake()

    def change(self, values: Mapping[str, object]) -> OpsGenieSettings:
        """Changes keys of `[opsgenie]`: checks them, puts them in force, writes them down.

        Raises:
            ConfigError: a value is wrong, or a secret; nothing was changed.
            ConfigWriteError: the change is in force, but could not be written to the file.
        """
        if _KEY in values:
            raise ConfigError([_NO_SECRETS])
        changed = self.settings.change_opsgenie(values)
        # Not under the lock: the file takes its own first, and then ours.
        if self._config is not None:
            self._config.change({(OPSGENIE_SECTION, key): value for key, value in values.items()})
        else:
            self.apply(AlertingSettings(changed, self.settings.alerts))
        return self.settings.opsgenie

    def _join(self, config: ConfigFile) -> None:
        config.subscribe(self)
        self._config = config

    def _leave_config(self) -> None:
        config, self._config = self._config, None
        if config is not None:
            config.unsubscribe(self)
            if self._own_watch:
                config.close()

    # --- silences

    def silences(self) -> list[dict[str, Any]]:
        """The silences that are not over, as JSON-able data; those of other processes too."""
        self._silences.refresh(self._now())
        return [silence_status(silence) for silence in self._silences.unexpired(self._now())]

    def maintenance(self) -> list[dict[str, Any]]:
        """The maintenance windows of the settings, as JSON-able data; `ends_at` if one is open."""
        windows = self.settings.alerts.maintenance
        return [
            {"name": name, **window.model_dump(mode="json"), "ends_at": window.ends_at(self._now())}
            for name, window in windows.items()
        ]

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
        """Holds alerts back for a time; what still goes on at its end is told then.

        Args:
            author: who wants it.
            reason: why.
            seconds: how long, up to 90 days.
            breaker: pattern of names, as in the shell.
            kind: "open", "memory", "latency", "trouble", or "*" for all.
            matchers: conditions beside these, as `Team=payments` or `Environment!=prod`.
            starts_at: seconds since the epoch; None for now.

        Returns:
            The silence's id.

        Raises:
            ValueError: a value makes no sense.
        """
        wanted = SilenceRequest(author, reason, seconds, breaker, kind, tuple(matchers), starts_at)
        number = self._silences.add(self._now(), wanted)
        self._worker.wake()
        return number

    def end_silence(self, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        self._silences.end(self._now(), silence_id)
        self._worker.wake()

    # --- what was given up

    def retry(self, incident_id: str) -> int:
        """Has what was given up of an incident tried again; says of how many receivers.

        Raises:
            KeyError: there is no such incident.
        """
        found = len(self._existing(incident_id).dead_letters)
        if found:
            self._commands.retry(incident_id)
            self._worker.wake()
        return found

    def discard(self, incident_id: str, author: str, reason: str) -> int:
        """Lets be what was given up of an incident; says of how many receivers.

        Raises:
            KeyError: there is no such incident.
        """
        found = len(self._existing(incident_id).dead_letters)
        if found:
            self._commands.discard(incident_id, author, reason)
            self._worker.wake()
        return found

    def incident(self, incident_id: str) -> dict[str, Any] | None:
        """One incident in full, as JSON-able data; None if there is none of that id."""
        try:
            return full_status(self._existing(incident_id))
        except KeyError:
            return None

    def _existing(self, incident_id: str) -> Incident:
        found = self._incident_log.find(incident_id) or self._store.find(incident_id)
        if found is None:
            raise KeyError(incident_id)
        return found

    # --- what may be asked

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return self._pipeline.paging

    def problems(self) -> list[str]:
        """What keeps alerts from reaching people, in sentences; nothing if all is well."""
        opsgenie, store = self.settings.opsgenie, self._store
        found = self._pipeline.problems()
        if opsgenie.active:
            found += resolve_identity(opsgenie).problems
            found += self._heartbeats.problems()
        if store.problem:
            found.append(f"incidents are kept in memory only: {store.problem}")
        if store.quarantined:
            found.append(store.quarantined)
        return found + self._pipeline.dead_letter_problems()

    def health(self) -> dict[str, Any]:
        """Whether alerts leave: `ok`, `paging`, and the `problems`.

        To page nobody by choice is ok; to want to, and fail, is not.
        """
        problems = self.problems()
        wanted = self.settings.opsgenie.active
        ok = not problems or not (wanted or self._store.problem)
        return {"ok": ok, "paging": self.paging, "problems": problems}

    def stats(self) -> AlertStats:
        """Figures for metrics."""
        now = self._now()
        pending = self._pipeline.pending(now)
        oldest = max((now - incident.opened_at for incident in pending), default=0.0)
        return AlertStats(
            pending=len(pending),
            oldest_pending_seconds=oldest,
            counts=self._pipeline.counts,
            dead_letters=self._pipeline.dead_letters(),
            last_success=self._pipeline.last_success,
            last_heartbeat=self._heartbeats.last_success,
        )

    def incidents(self, *, limit: int = 100, state: str | None = None) -> list[dict[str, Any]]:
        """The latest incidents, newest first, as JSON-able data.

        Args:
            limit: at most so many.
            state: only those that are "active", "quiet" or "closed"; None for all.
        """
        receiver = self._pipeline.first_receiver
        return [incident_status(each, receiver) for each in self._incident_log.latest(limit, state)]

    def staged_alerts(self, breaker: str) -> dict[str, Any]:
        """The stages of one breaker's incidents, in go-breaker's form."""
        waiting = [
            i for i in self._incident_log if i.breaker == breaker and i.escalates_at is not None
        ]
        return stages_status(self.settings.opsgenie, waiting, self._now())

    def opsgenie_status(self) -> dict[str, Any]:
        """The settings of `[opsgenie]` in go-breaker's form, the key masked, and who is paged."""
        return settings_status(self.settings.opsgenie) | {
            "initialized": self._pipeline.first_receiver == self.settings.opsgenie.flavour,
            "paging": self.paging,
            "problems": self.problems(),
            "receivers": self.receivers(),
        }

    def receivers(self) -> list[dict[str, Any]]:
        """How it stands with each receiver and its heartbeat, as JSON-able data.

        Times are in seconds since the epoch; None if never, or if there is no heartbeat.
        """
        pinged = self._heartbeats.last_success
        return [
            {**state, "last_heartbeat": pinged.get(state["name"]) or None}
            for state in self._pipeline.states(self._now())
        ]


def _nothing() -> None:
    """There is nothing to leave yet."""
