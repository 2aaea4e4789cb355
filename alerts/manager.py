"""Alerting: watches the breakers of a registry, keeps their incidents, and has them delivered."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self

from alerts import policy
from alerts.fields import find_fields
from alerts.ledger import Ledger
from alerts.outbox import Outbox
from alerts.report import incident_report, settings_report, silence_report, stages_report
from alerts.settings import SECTION, AlertingSettings, OpsGenieSettings, read_settings
from alerts.store import Store
from alerts.watcher import Watcher
from breaker import ConfigError, ConfigProblem, Event, Registry
from breaker.config import ConfigFile, Document, validate
from breaker.log import get_logger

_log = get_logger("alerts")

_IDLE: Final = 1.0
"""Seconds between rounds in which nothing is expected."""
_BUSY: Final = 0.1
"""The same while something is to be delivered."""
_GRACE: Final = 0.5
"""Seconds beyond the time to drain in which files are closed."""
_KEY: Final = "api_key"
_NO_SECRETS: Final = ConfigProblem(
    where="request",
    line=0,
    key=_KEY,
    found="a value that is not shown",
    allowed="to set OPSGENIE_API_KEY and restart, or to edit the file; no secret is written to it",
)


@dataclass(frozen=True, slots=True)
class AlertStats:
    """Figures for metrics.

    Attributes:
        pending: incidents of which the receiver does not know all it should.
        oldest_pending_seconds: age of the oldest of them.
        counts: deliveries by (sink, outcome).
    """

    pending: int
    oldest_pending_seconds: float
    counts: dict[tuple[str, str], int]


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
        self._now = now or _steady_time()
        self._lock = threading.RLock()
        self._round = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._config: ConfigFile | None = None
        self._own_watch = False
        self._drain_until = 0.0
        self._ledger = Ledger(Store(self.settings.alerts.database), self._now())
        self._watcher = Watcher(registry, self._ledger, self._now)
        self._outbox = Outbox(self._ledger, self.settings)
        self._leave: Callable[[], None] = _nothing

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
        self._outbox.say_who_is_told()
        for problem in find_fields(self.settings.opsgenie).problems:
            _log.warning(problem)
        if self._own_watch and self._config is not None:
            self._config.watch()
        if not self._driven:
            self._thread = threading.Thread(target=self._run, name="breakerd-alerts", daemon=True)
            self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Delivers what is due, for at most about `timeout` seconds; the rest is in the file."""
        self._leave()
        self._leave = _nothing
        self._leave_config()
        self._drain_until = time.monotonic() + timeout
        self._stopping.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is None:
            self._release()
            return
        thread.join(timeout + _GRACE)
        if thread.is_alive():
            _log.warning("a receiver does not answer; what is left is in the file")

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
        """One round: compares breakers with incidents, lets time pass, delivers what is due."""
        with self._round:
            now = self._now()
            with self._lock:
                self._watcher.round(now, self.settings)
            # Without the lock: a slow receiver must not hold up who asks for the status.
            self._outbox.run(now)
            self._ledger.tidy(now)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._try_round()
            self._wake.wait(_BUSY if self._outbox.owing(self._now()) else _IDLE)
            self._wake.clear()
        self._drain()
        self._release()

    def _drain(self) -> None:
        self._try_round()
        while self._outbox.owing(self._now()) and time.monotonic() < self._drain_until:
            self._wake.wait(_BUSY)
            self._wake.clear()
            self._try_round()

    def _release(self) -> None:
        with self._round, self._lock:
            self._outbox.close()
            self._ledger.close()

    def _try_round(self) -> None:
        try:
            self.run_once()
        except Exception:  # noqa: BLE001 - the next round may do better, and somebody must page
            _log.exception("a round of alerting failed")

    def _notice(self, event: Event) -> None:
        """Called by the engine: puts the evidence away, and wakes."""
        self._watcher.notice(event)
        self._wake.set()

    # --- settings

    def prepare(self, document: Document) -> Callable[[], None]:
        """Alerting as a participant in the file: checks its sections.

        Raises:
            ConfigError: every problem in them.
        """
        settings = read_settings(document)
        return lambda: self.apply(settings)

    def apply(self, settings: AlertingSettings) -> None:
        """Puts settings in force. Incidents that run keep their stages and their words.

        Another `database` counts from the next start.
        """
        with self._lock:
            self.settings = settings
            self._outbox.switch(settings)
        self._wake.set()

    def change(self, values: Mapping[str, object]) -> OpsGenieSettings:
        """Changes keys of `[opsgenie]`: checks them, puts them in force, writes them down.

        Raises:
            ConfigError: a value is wrong, or a secret; nothing was changed.
            ConfigWriteError: the change is in force, but could not be written to the file.
        """
        if _KEY in values:
            raise ConfigError([_NO_SECRETS])
        present = self.settings.opsgenie
        changed = validate(OpsGenieSettings, present.model_dump() | dict(values), where="request")
        # Not under the lock: the file takes its own first, and then ours.
        if self._config is not None:
            self._config.change({(SECTION, key): value for key, value in values.items()})
        else:
            self.apply(AlertingSettings(changed, self.settings.alerts))
        return self.settings.opsgenie

    def _join(self, config: ConfigFile) -> None:
        config.join(self)
        self._config = config

    def _leave_config(self) -> None:
        config, self._config = self._config, None
        if config is not None:
            config.leave(self)
            if self._own_watch:
                config.close()

    # --- silences

    def silences(self) -> list[dict[str, Any]]:
        """The silences that are not over, as JSON-able data."""
        return [silence_report(silence) for silence in self._ledger.silences(self._now())]

    def add_silence(
        self, *, breaker: str = "*", kind: str = "*", author: str, reason: str, seconds: float
    ) -> str:
        """Holds alerts back for `seconds` from now; what still goes on then is told then.

        Args:
            breaker: pattern of names, as in the shell.
            kind: "open", "memory", "latency", "trouble", or "*" for all.
            author: who wants it.
            reason: why.
            seconds: up to 90 days.

        Returns:
            The silence's id.

        Raises:
            ValueError: a value makes no sense.
        """
        return self._ledger.add_silence(
            self._now(), breaker=breaker, kind=kind, author=author, reason=reason, seconds=seconds
        )

    def end_silence(self, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        self._ledger.end_silence(self._now(), silence_id)
        self._wake.set()

    # --- what may be asked

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return self._outbox.paging

    def problems(self) -> list[str]:
        """What keeps alerts from reaching people, in sentences; nothing if all is well."""
        opsgenie, nobody = self.settings.opsgenie, self._outbox.why_nobody()
        found = [nobody] if nobody else []
        if policy.sends(opsgenie):
            found += find_fields(opsgenie).problems
        if self._ledger.store.problem:
            found.append(f"incidents are kept in memory only: {self._ledger.store.problem}")
        return found + self._outbox.given_up()

    def health(self) -> dict[str, Any]:
        """Whether alerts leave: `ok`, `paging`, and the `problems`.

        To page nobody by choice is ok; to want to, and fail, is not.
        """
        problems = self.problems()
        wanted = policy.sends(self.settings.opsgenie)
        ok = not problems or not (wanted or self._ledger.store.problem)
        return {"ok": ok, "paging": self.paging, "problems": problems}

    def stats(self) -> AlertStats:
        """Figures for metrics."""
        now = self._now()
        pending = self._outbox.owing(now)
        oldest = max((now - incident.opened_at for incident in pending), default=0.0)
        return AlertStats(len(pending), oldest, self._outbox.counts)

    def incidents(self, *, limit: int = 100, state: str | None = None) -> list[dict[str, Any]]:
        """The latest incidents, newest first, as JSON-able data.

        Args:
            limit: at most so many.
            state: only those that are "active", "quiet" or "closed"; None for all.
        """
        receiver = self._outbox.receiver
        return [incident_report(each, receiver) for each in self._ledger.latest(limit, state)]

    def staged_alerts(self, breaker: str) -> dict[str, Any]:
        """The stages of one breaker's incidents, in go-breaker's form."""
        waiting = [i for i in self._ledger if i.breaker == breaker and i.escalates_at is not None]
        return stages_report(self.settings.opsgenie, waiting, self._now())

    def opsgenie_status(self) -> dict[str, Any]:
        """The settings of `[opsgenie]` in go-breaker's form, the key masked, and who is paged."""
        return settings_report(self.settings.opsgenie) | {
            "initialized": self._outbox.receiver == SECTION,
            "paging": self.paging,
            "problems": self.problems(),
        }


def _steady_time() -> Callable[[], float]:
    """Seconds since the epoch that go on evenly, however the wall clock is set meanwhile."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


def _nothing() -> None:
    """There is nothing to leave yet."""
