"""Alerting: watches the breakers of a registry, keeps their incidents, and has them delivered."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self

from alerts import policy
from alerts.content import Trouble, compose, seen
from alerts.dispatcher import Dispatcher
from alerts.fields import find_fields
from alerts.incident import Incident, Phase
from alerts.policy import Silence
from alerts.settings import SECTION, AlertingSettings, OpsGenieSettings, read_settings
from alerts.sinks.log import LogSink
from alerts.sinks.opsgenie import ADDRESSES, OpsGenieSink
from alerts.sinks.protocol import Sink
from alerts.store import Store
from breaker import (
    Breaker,
    Event,
    Evidence,
    Registry,
    ThresholdBreached,
    ThresholdCleared,
    Transition,
)
from breaker.config import ConfigFile, Document, validate
from breaker.log import get_logger

_log = get_logger("alerts")

_IDLE: Final = 1.0
"""Seconds between rounds in which nothing is expected."""
_BUSY: Final = 0.1
"""The same while something is to be delivered."""
_GONE: Final = "Its breaker is no longer configured."


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


def steady_time() -> Callable[[], float]:
    """Seconds since the epoch that go on evenly, however the wall clock is set meanwhile."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


class Alerting:
    """The alerts of one registry. Thread-safe. A context manager: starts, and drains at the end.

    Args:
        registry: whose breakers are watched.
        settings: of both sections; the environment's variables are not looked at again.
        now: seconds since the epoch, never going back. If given, no thread runs: `run_once` does a
            round.
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
        self._now = now or steady_time()
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._config: ConfigFile | None = None
        self._incidents: dict[str, Incident] = {}
        self._unsaved: set[str] = set()
        self._current: dict[str, str] = {}
        """Breaker -> its incident that is not over."""
        self._cooldowns: dict[tuple[str, str], float] = {}
        self._silences: dict[str, Silence] = {}
        self._evidence: dict[str, Transition | ThresholdBreached] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._store = Store(self.settings.alerts.database)
        self._dispatcher = self._make_dispatcher()
        self._leave: Callable[[], None] = lambda: None
        self._load()

    @classmethod
    def from_file(cls, path: str | PathLike[str], registry: Registry) -> Self:
        """Alerting as the file says, and as it will say: the registry's watch is shared.

        Raises:
            ConfigError: its sections are wrong; holds every problem found.
        """
        config = registry.config
        if config is None or config.path.resolve() != ConfigFile(path).path.resolve():
            config = ConfigFile(path)
            config.watch()
        alerting = cls(registry, read_settings(config.document))
        alerting.join(config)
        return alerting

    def join(self, config: ConfigFile) -> None:
        """Takes part in a configuration file.

        Raises:
            ConfigError: its sections are wrong.
        """
        config.join(self)
        self._config = config

    # --- running

    def start(self) -> None:
        """Begins to watch, and to deliver."""
        self._leave = self.registry.subscribe(self._notice)
        self._say_who_is_paged()
        if not self._driven:
            self._thread = threading.Thread(target=self._run, name="breakerd-alerts", daemon=True)
            self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Delivers what is due, for at most `timeout` seconds; the rest is in the file."""
        self._leave()
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        deadline = time.monotonic() + timeout
        while not self._driven and time.monotonic() < deadline and self._work_left():
            self.run_once()
            self._wake.clear()
            self._wake.wait(_BUSY)
        with self._lock:
            self._dispatcher.sink.close()
            self._store.close()

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
        with self._lock:
            now = self._now()
            self._compare(now)
            self._pass_time(now)
            dispatcher = self._dispatcher
            open_incidents = list(self._incidents.values())
        # Without the lock: a receiver that is slow must not hold up who asks for the status.
        dispatcher.run(now, open_incidents, lambda incident: self._held(incident, now))
        with self._lock:
            self._keep()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.run_once()
            except Exception:  # noqa: BLE001 - the next round may do better, and somebody must page
                _log.exception("a round of alerting failed")
            self._wake.wait(_BUSY if self._work_left() else _IDLE)
            self._wake.clear()

    def _notice(self, event: Event) -> None:
        """Called by the engine: keeps the evidence, and wakes. The state itself is looked up."""
        if isinstance(event, ThresholdBreached) or (
            isinstance(event, Transition) and event.to_state in {"OPEN", "FORCED_OPEN"}
        ):
            self._evidence[event.breaker] = event
            self._wake.set()
        elif isinstance(event, Transition | ThresholdCleared):
            self._wake.set()

    # --- a round

    def _compare(self, now: float) -> None:
        """Opens, reopens and quietens incidents, by what the breakers are now."""
        for breaker in self.registry:
            found = policy.causes(breaker, self.settings.opsgenie)
            incident = self._incidents.get(self._current.get(breaker.name, ""))
            if found and incident is None:
                self._open(now, breaker, found[0])
            elif found and incident and incident.phase is Phase.QUIET:
                incident.reopen(self._why(breaker))
                self._changed(incident)
            elif not found and incident and incident.phase is Phase.ACTIVE:
                incident.quieten(now, seen(breaker.status()))
                self._changed(incident)
        for name in self._current.keys() - set(self.registry.names()):
            incident = self._incidents[self._current[name]]
            if incident.phase is Phase.ACTIVE:
                incident.quieten(now, _GONE)
                self._changed(incident)

    def _open(self, now: float, breaker: Breaker, kind: str) -> None:
        settings = self.settings
        number = uuid.uuid4().hex[:12]
        fields = find_fields(settings.opsgenie)
        cooldown = settings.opsgenie.alert_cooldown_seconds
        told_at = self._cooldowns.get((breaker.name, kind))
        trouble = self._trouble(breaker, kind)
        incident = Incident(
            id=number,
            alias=f"breakerd:{fields.hostname}:{breaker.name}:{number}"[:512],
            breaker=breaker.name,
            kind=kind,
            opened_at=now,
            not_before=now if told_at is None else max(now, told_at + cooldown),
            stages=policy.stages(settings.opsgenie),
            content=compose(trouble, settings, fields),
            drill=trouble.drill,
            closes=settings.opsgenie.trigger_on_breaker_reset,
        )
        self._incidents[number] = incident
        self._current[breaker.name] = number
        self._changed(incident)
        _log.warning(
            "incident opened",
            breaker=breaker.name,
            kind=kind,
            message=incident.content.message,
            held_for=round(incident.not_before - now, 1),
        )

    def _trouble(self, breaker: Breaker, kind: str) -> Trouble:
        status = breaker.status()
        event = self._evidence.get(breaker.name)
        evidence: tuple[Evidence, ...] = ()
        reason, note = status["reason"] or kind, status["note"]
        if isinstance(event, Transition):
            evidence, reason, note = event.evidence, event.reason.value, event.note
        elif event is not None:
            evidence = (event.evidence,)
        drill = status["drill"] or (event is not None and event.drill)
        return Trouble(kind, drill, reason, note, evidence, status)

    def _why(self, breaker: Breaker) -> str:
        event = self._evidence.get(breaker.name)
        if isinstance(event, Transition) and event.evidence:
            return event.evidence[0].sentence()
        return seen(breaker.status())

    def _pass_time(self, now: float) -> None:
        for incident in list(self._incidents.values()):
            if incident.phase is Phase.QUIET and (
                not incident.told or now - incident.quiet_since >= self.settings.alerts.quiet_time
            ):
                self._end(now, incident)
            elif (
                incident.escalates_at is not None
                and now >= incident.escalates_at
                and not self._silenced(incident, now)
            ):
                breaker = self.registry.find(incident.breaker)
                if incident.advance(now, seen(breaker.status()) if breaker else _GONE):
                    self._changed(incident)

    def _end(self, now: float, incident: Incident) -> None:
        incident.close(now)
        self._current.pop(incident.breaker, None)
        self._evidence.pop(incident.breaker, None)
        self._changed(incident)
        _log.info("incident over", breaker=incident.breaker, alias=incident.alias)

    def _keep(self) -> None:
        """Writes down what could not be written before, and forgets what is done."""
        for number in list(self._unsaved):
            incident = self._incidents.get(number)
            if incident is None or self._store.save(incident):
                self._unsaved.discard(number)
        for incident in [i for i in self._incidents.values() if i.done]:
            del self._incidents[incident.id]
            self._store.save(incident)
            self._store.prune()

    def _changed(self, incident: Incident) -> None:
        """On the disk before anyone is told; if that fails, later, but told all the same."""
        with self._lock:
            if incident.told and incident.kind:
                self._remember_told(incident)
            if not self._store.save(incident):
                self._unsaved.add(incident.id)

    def _remember_told(self, incident: Incident) -> None:
        key = (incident.breaker, incident.kind)
        began = max(incident.opened_at, incident.not_before)
        if self._cooldowns.get(key, 0.0) < began:
            self._cooldowns[key] = began
            self._store.save_cooldown(*key, began)

    def _silenced(self, incident: Incident, now: float) -> bool:
        return any(
            silence.holds(incident.breaker, incident.kind, now)
            for silence in list(self._silences.values())
        )

    def _held(self, incident: Incident, now: float) -> bool:
        return self._silenced(incident, now)

    def _work_left(self) -> bool:
        now = self._now()
        return any(self._pending(incident, now) for incident in list(self._incidents.values()))

    def _pending(self, incident: Incident, now: float) -> bool:
        delivery = incident.delivery_to(self._dispatcher.sink.name)
        return delivery.pending is not None or incident.next_step(now, delivery) is not None

    # --- settings

    def prepare(self, document: Document) -> Callable[[], None]:
        """Alerting as a participant in the file: checks its sections.

        Raises:
            ConfigError: every problem in them.
        """
        settings = read_settings(document)
        return lambda: self.apply(settings)

    def apply(self, settings: AlertingSettings) -> None:
        """Puts settings in force. Incidents that run keep their stages and words."""
        with self._lock:
            before, self.settings = self.settings, settings
            if before.alerts.database != settings.alerts.database:
                _log.warning(
                    "another database counts from the next start", file=settings.alerts.database
                )
            if _receiver(before) != _receiver(settings):
                self._dispatcher.sink.close()
                self._collect_counts()
                self._dispatcher = self._make_dispatcher()
                self._say_who_is_paged()
        self._wake.set()

    def change(self, values: Mapping[str, object]) -> OpsGenieSettings:
        """Changes keys of `[opsgenie]`: checks them, puts them in force, writes them down.

        Raises:
            ConfigError: a value is wrong; nothing was changed.
            ConfigWriteError: the change is in force, but could not be written to the file.
        """
        with self._lock:
            present = self.settings.opsgenie
            changed = validate(
                OpsGenieSettings, present.model_dump() | dict(values), where="request"
            )
            if self._config is not None:
                self._config.change({(SECTION, key): value for key, value in values.items()})
            else:
                self.apply(AlertingSettings(changed, self.settings.alerts))
            return self.settings.opsgenie

    def _make_dispatcher(self) -> Dispatcher:
        settings = self.settings
        sink: Sink = LogSink()
        if policy.sends(settings.opsgenie) and settings.opsgenie.api_key is not None:
            sink = OpsGenieSink(settings.opsgenie, settings.alerts.request_timeout)
        return Dispatcher(sink, settings.alerts.retry_limit, self._changed)

    def _say_who_is_paged(self) -> None:
        for problem in self.problems():
            _log.warning(problem)

    # --- silences

    def silences(self) -> list[dict[str, Any]]:
        """The silences that are not over, as JSON-able data."""
        now = self._now()
        return [
            {
                "id": s.id,
                "breaker": s.breaker,
                "kind": s.kind,
                "author": s.author,
                "reason": s.reason,
                "starts_at": s.starts_at,
                "ends_at": s.ends_at,
            }
            for s in list(self._silences.values())
            if s.ends_at > now
        ]

    def add_silence(
        self, *, breaker: str = "*", kind: str = "*", author: str, reason: str, seconds: float
    ) -> str:
        """Holds alerts back for `seconds` from now; what still goes on then is told then.

        Returns:
            The silence's id.

        Raises:
            ValueError: a value makes no sense.
        """
        kinds = ("*", policy.OPEN, policy.MEMORY, policy.LATENCY)
        if kind not in kinds or not 0 < seconds <= 90 * 86400 or not author or not reason:
            raise ValueError(
                f"a silence needs an author, a reason, a kind of {', '.join(kinds)}, and 0 s to "
                f"90 days; got author={author!r}, reason={reason!r}, kind={kind!r}, {seconds} s"
            )
        now = self._now()
        silence = Silence(uuid.uuid4().hex[:12], breaker, kind, author, reason, now, now + seconds)
        self._keep_silence(silence)
        return silence.id

    def end_silence(self, silence_id: str) -> None:
        """Ends a silence now.

        Raises:
            KeyError: there is none of that id.
        """
        old = self._silences[silence_id]
        ended = min(old.ends_at, self._now())
        self._keep_silence(
            Silence(old.id, old.breaker, old.kind, old.author, old.reason, old.starts_at, ended)
        )
        self._wake.set()

    def _keep_silence(self, silence: Silence) -> None:
        with self._lock:
            self._silences[silence.id] = silence
            self._store.save_silence(silence)

    # --- what may be asked

    @property
    def paging(self) -> bool:
        """Whether a person hears of incidents."""
        return self._dispatcher.sink.pages and not self._dispatcher.refused

    def problems(self) -> list[str]:
        """What keeps alerts from reaching people, in sentences; nothing if all is well."""
        opsgenie, dispatcher = self.settings.opsgenie, self._dispatcher
        found = []
        if not policy.sends(opsgenie):
            found.append("nobody is being paged: [opsgenie] enabled is false")
        elif opsgenie.api_key is None:
            found.append("nobody is being paged: OPSGENIE_API_KEY is not set")
        else:
            found += find_fields(opsgenie).problems
        if dispatcher.refused:
            found.append(f"nobody is being paged: OpsGenie refuses the key ({dispatcher.refused})")
        if self._store.problem:
            found.append(f"incidents are kept in memory only: {self._store.problem}")
        dead = [
            f"alert {incident.alias} was given up: {delivery.dead}"
            for incident in list(self._incidents.values())
            for delivery in incident.deliveries.values()
            if delivery.dead
        ]
        return found + dead

    def health(self) -> dict[str, Any]:
        """Whether alerts leave: `ok`, `paging`, and the `problems`.

        Not to page anyone by choice is ok; to want to and fail is not.
        """
        wanted = policy.sends(self.settings.opsgenie)
        problems = self.problems()
        return {
            "ok": not problems or not (wanted or self._store.problem),
            "paging": self.paging,
            "problems": problems,
        }

    def stats(self) -> AlertStats:
        """Figures for metrics."""
        with self._lock:
            now = self._now()
            pending = [i for i in self._incidents.values() if self._pending(i, now)]
            self._collect_counts()
            return AlertStats(
                pending=len(pending),
                oldest_pending_seconds=max((now - i.opened_at for i in pending), default=0.0),
                counts=dict(self._counts),
            )

    def incidents(self, *, limit: int = 100) -> list[dict[str, Any]]:
        """The latest incidents, newest first, as JSON-able data."""
        with self._lock:
            known = {incident.id: incident for incident in self._store.history(limit)}
            known |= self._incidents
            newest = sorted(known.values(), key=lambda i: i.opened_at, reverse=True)[:limit]
            return [self._report(incident) for incident in newest]

    def staged_alerts(self, breaker: str) -> dict[str, Any]:
        """The stages of one breaker's incidents, in go-breaker's form."""
        opsgenie, now = self.settings.opsgenie, self._now()
        with self._lock:
            waiting = [
                incident
                for incident in self._incidents.values()
                if incident.breaker == breaker and incident.escalates_at is not None
            ]
        return {
            "enabled": opsgenie.time_before_send_alert > 0,
            "time_before_alert": opsgenie.time_before_send_alert,
            "initial_priority": opsgenie.initial_alert_priority,
            "escalated_priority": opsgenie.escalated_alert_priority,
            "pending_alerts_count": len(waiting),
            "pending_alerts": {
                incident.alias: {
                    "breaker": incident.breaker,
                    "priority": incident.priority,
                    "open_seconds": round(now - incident.opened_at, 1),
                    "escalates_in_seconds": round(
                        max(0.0, (incident.escalates_at or now) - now), 1
                    ),
                }
                for incident in waiting
            },
            "opsgenie_enabled": opsgenie.enabled,
            "trigger_on_open": opsgenie.trigger_on_breaker_open,
        }

    def opsgenie_status(self) -> dict[str, Any]:
        """The settings of `[opsgenie]` in go-breaker's form, the key masked, and who is paged."""
        opsgenie = self.settings.opsgenie
        key = opsgenie.api_key.get_secret_value() if opsgenie.api_key else ""
        same = (
            "enabled", "region", "priority", "source", "team",
            "trigger_on_breaker_open", "trigger_on_breaker_reset",
            "trigger_on_memory_threshold", "trigger_on_latency_threshold",
            "include_latency_metrics", "include_memory_metrics", "include_system_info",
            "alert_cooldown_seconds", "use_environments",
        )  # fmt: skip
        return {name: getattr(opsgenie, name) for name in same} | {
            "api_key": "********" if key else "",
            "api_url": opsgenie.api_url or ADDRESSES[opsgenie.region],
            "tags": list(opsgenie.tags),
            "current_environment": find_fields(opsgenie).environment,
            "initialized": self._dispatcher.sink.pages,
            "paging": self.paging,
            "problems": self.problems(),
        }

    def _report(self, incident: Incident) -> dict[str, Any]:
        delivery = incident.delivery_to(self._dispatcher.sink.name)
        return {
            "id": incident.id,
            "alias": incident.alias,
            "breaker": incident.breaker,
            "kind": incident.kind,
            "drill": incident.drill,
            "phase": incident.phase.value,
            "priority": incident.priority,
            "message": incident.content.message,
            "opened_at": incident.opened_at,
            "not_before": incident.not_before,
            "escalates_at": incident.escalates_at,
            "closed_at": incident.closed_at or None,
            "episodes": incident.episodes,
            "notes": list(incident.notes),
            "receiver": self._dispatcher.sink.name,
            "told": delivery.created,
            "closed_there": delivery.closed,
            "attempts": delivery.attempts,
            "given_up": delivery.dead or None,
        }

    def _collect_counts(self) -> None:
        for outcome, count in self._dispatcher.counts.items():
            key = (self._dispatcher.sink.name, outcome)
            self._counts[key] = self._counts.get(key, 0) + count
        self._dispatcher.counts.clear()

    def _load(self) -> None:
        """Takes up what an earlier process left."""
        self._store.open()
        incidents, self._cooldowns, silences = self._store.load()
        for incident in incidents:
            self._incidents[incident.id] = incident
            if incident.phase is not Phase.CLOSED:
                self._current[incident.breaker] = incident.id
        self._silences = {silence.id: silence for silence in silences}


def _receiver(settings: AlertingSettings) -> tuple[object, ...]:
    """What of the settings makes another receiver."""
    opsgenie, alerts = settings.opsgenie, settings.alerts
    key = opsgenie.api_key.get_secret_value() if opsgenie.api_key else None
    address = (opsgenie.region, opsgenie.api_url)
    return policy.sends(opsgenie), key, address, alerts.request_timeout, alerts.retry_limit
