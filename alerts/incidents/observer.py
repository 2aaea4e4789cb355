"""Observer: finds the breakers of this process that need attention.

An event only wakes the observer and brings evidence. What counts is the present state of a breaker.
So a lost event costs a sentence, and never an alert.
"""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from breakerd.alerts.content.closing import closing_reason
from breakerd.alerts.incidents import policy
from breakerd.alerts.incidents.observation import Observation
from breakerd.alerts.incidents.severity import degraded_severity
from breakerd.alerts.model.content import AlertContext
from breakerd.alerts.model.figures import call_totals
from breakerd.alerts.model.incident_parts.member import PAGE
from breakerd.alerts.settings.alerting import AlertingSettings
from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.events.events import Event, Evidence, Signal, ThresholdBreached, Transition
from breakerd.breaker.registry import Registry
from breakerd.breaker.runtime import status as breaker_status
from breakerd.breaker.runtime.status_types import Status
from breakerd.breaker.states import Reason, State

if TYPE_CHECKING:
    from breakerd.breaker.breaker import Breaker

_PRELOADED: Final = (breaker_status,)
"""Modules that breakers load on first use, which fails when no file descriptor is left."""
_OPENED: Final = {State.OPEN, State.FORCED_OPEN}
_DEGRADED: Final = {Signal.SLO, Signal.ANOMALY, Signal.OVERLOAD, Signal.LOAD}
_WOULD_REJECT: Final = {State.OPEN, State.HALF_OPEN}
_MAX_TRANSITIONS: Final = 6
"""Maximum number of transitions kept for each breaker."""
_MAX_POLLED: Final = 1000
"""Maximum number of breakers polled in a round, beside those with new events."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    """Last event that speaks against a breaker.

    Attributes:
        at: seconds since the epoch.
        drill: True if it is only a drill.
        evidence: figures behind it; None if there are none.
    """

    at: float
    drill: bool
    evidence: Evidence | None = None


class BreakerObserver:
    """Observes the breakers of a registry; see `ObservationSource`.

    A round begins with `poll`. Within it, each breaker is asked for its status at most once; all
    methods share that snapshot. `on_event` may be called from any thread, all other methods from
    one thread at a time.

    Args:
        registry: registry whose breakers are observed.
        settings: which conditions count, and what an alert contains.
        now: returns seconds since the epoch.
        driven: True if a test runs the rounds; else breakers are not observed while a test has
            taken them over.
    """

    def __init__(
        self,
        registry: Registry,
        settings: AlertingSettings,
        now: Callable[[], float],
        *,
        driven: bool = False,
    ) -> None:
        self.settings = settings
        self._registry = registry
        # With the host, since each container has a process 1; a container that restarts goes on.
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._now = now
        self._driven = driven
        self._observations: dict[str, Observation] = {}
        self._statuses: dict[str, Status] = {}
        """Snapshots taken in this round, by name of the breaker."""
        self._alarms: dict[tuple[str, str], _Alarm] = {}
        """(breaker, kind) -> last alarm of that kind."""
        self._dirty: dict[str, None] = {}
        """Breakers with events since the last poll."""
        self._closing_events: dict[str, Transition] = {}
        self._transitions: dict[str, deque[Transition]] = {}
        """Latest transitions by name of the breaker."""
        self._totals_before: dict[str, tuple[int, ...]] = {}
        """Totals of calls at the beginning of each observation."""
        self._restored: set[str] = set()
        """Breakers that were restored as they were before a restart."""
        self._next = 0
        """Index at which the polling of all breakers continues."""

    def on_event(self, event: Event) -> None:
        """Keep the evidence of an event. Fast, since the engine calls it."""
        self._dirty[event.breaker] = None
        if isinstance(event, ThresholdBreached):
            self._closing_events.pop(event.breaker, None)  # it ended other trouble
            alarm = _Alarm(self._now(), event.drill, event.evidence)
            kind = policy.DEGRADED if event.signal in _DEGRADED else event.signal.value
            self._alarms[event.breaker, kind] = alarm
        elif isinstance(event, Transition):
            latest = self._transitions.setdefault(event.breaker, deque(maxlen=_MAX_TRANSITIONS))
            latest.append(replace(event, at=self._now()))  # the wall clock may have been set
            if event.to_state in _OPENED:
                self._closing_events.pop(event.breaker, None)
            if event.reason is Reason.RESTORED:
                self._restored.add(event.breaker)
            elif event.to_state in _OPENED:
                self._alarms[event.breaker, policy.OPEN] = _Alarm(self._now(), event.drill)
            elif event.to_state is not State.HALF_OPEN:
                self._closing_events[event.breaker] = event

    def poll(self, now: float) -> None:
        """Begin a round: check the breakers with new events, and some of the others in turn."""
        self.end_round()
        epoch, observations = BREAKERS.epoch, dict(self._observations)
        if BREAKERS.taken_over and not self._driven:
            return
        for name in self._due():
            breaker = self._registry.find(name)
            found = self._observe(now, breaker, observations.get(name)) if breaker else None
            if found is not None:
                observations[name] = found
            elif observations.pop(name, None) is not None:
                self._totals_before.pop(name, None)
        if BREAKERS.epoch == epoch or self._driven:  # else a test began meanwhile
            self._observations = observations

    def _observe(
        self, now: float, breaker: "Breaker", known: Observation | None
    ) -> Observation | None:
        """Return what people need to know of the breaker; None if it is well."""
        would = breaker.would_be_state in _WOULD_REJECT
        kinds = policy.alert_kinds(breaker, self.settings.opsgenie, would_reject=would)
        if not kinds:
            # Latency is not measured while it would reject: that lasts until it would close.
            lasts = would and known is not None and known.kind == policy.LATENCY
            return known if lasts else None
        kind, alarm = kinds[0], self._alarms.get((breaker.name, kinds[0]))
        if known is None or known.kind != kind or (alarm and alarm.drill != known.drill):
            return self._new(now, breaker, kind, alarm)
        if kind != policy.DEGRADED:
            return known
        severity = degraded_severity(self._status(breaker), known.severity)
        return known if severity == known.severity else replace(known, severity=severity)

    def _new(self, now: float, breaker: "Breaker", kind: str, alarm: _Alarm | None) -> Observation:
        status = self._status(breaker)
        self._totals_before.setdefault(breaker.name, tuple(call_totals(status)))
        return Observation(
            breaker.name,
            kind,
            since=min(now, alarm.at if alarm else self._restored_since(status) or now),
            drill=alarm.drill if alarm else (status["drill"] or None),
            severity=degraded_severity(status) if kind == policy.DEGRADED else PAGE,
            cause=_cause(kind, alarm, status),
            reason=status["reason"] or kind,
        )

    def _restored_since(self, status: Status) -> float | None:
        """Return when a breaker opened that was restored; None if it was not."""
        tripped = status["last_trip_time"]
        if status["name"] not in self._restored or tripped is None:
            return None
        return datetime.fromisoformat(tripped).timestamp()

    def end_round(self) -> None:
        """Release the snapshots of the round."""
        self._statuses.clear()

    def _due(self) -> Iterable[str]:
        names = self._registry.names()
        dirty, self._dirty = self._dirty, {}
        if len(names) <= _MAX_POLLED:
            return dict.fromkeys((*names, *self._observations))
        gone = self._observations.keys() - set(names)
        start = self._next if self._next < len(names) else 0
        self._next = start + _MAX_POLLED
        return dict.fromkeys((*dirty, *gone, *names[start : self._next]))

    # --- as an observation source

    @property
    def process(self) -> str:
        """Id of this process."""
        return self._process

    @property
    def observations(self) -> Mapping[str, Observation]:
        """Breakers that need attention, by name."""
        return self._observations

    def context(self, breaker: str) -> AlertContext | None:
        """Return the present facts of that breaker; None if it is not configured."""
        found = self._registry.find(breaker)
        if found is None:
            return None
        status, observation = self._status(found), self._observations.get(breaker)
        kind = observation.kind if observation else policy.OPEN
        alarm = self._alarms.get((breaker, kind))
        return AlertContext(
            kind=kind,
            drill=alarm.drill if alarm else status["drill"],
            reason=status["reason"] or kind,
            note=status["note"],
            evidence=(alarm.evidence,) if alarm and alarm.evidence else _evidence(status),
            status=status,
            transitions=tuple(self._transitions.get(breaker, ())),
            process=self.process,
            at=self._now(),
            totals_before=self._totals_before.get(breaker, ()),
        )

    def closing_reason(self, breaker: str) -> str:
        """Return what ended the trouble of that breaker in a few words; empty if unknown."""
        event = self._closing_events.get(breaker)
        return closing_reason(event) if event else ""

    @property
    def closing_reasons(self) -> dict[str, str]:
        """Reasons for which breakers recovered, by name of the breaker."""
        return {name: self.closing_reason(name) for name in list(self._closing_events)}

    def _status(self, breaker: "Breaker") -> Status:
        """Return the snapshot of this round; take it at the first call."""
        status = self._statuses.get(breaker.name)
        if status is None:
            status = self._statuses[breaker.name] = breaker.status()
        return status


def _evidence(status: Status) -> tuple[Evidence, ...]:
    """Return the evidence on which a breaker opened."""
    return tuple(
        Evidence(
            signal=Signal(report["signal"]),
            value=report["value"],
            threshold=report["threshold"],
            unit=report["unit"],
            samples=report["samples"],
            detail=report["detail"],
        )
        for report in status["evidence"]
    )


def _cause(kind: str, alarm: _Alarm | None, status: Status) -> str:
    """Return the signal or the reason of the trouble, as the key of a cooldown."""
    if alarm is not None and alarm.evidence is not None:
        return alarm.evidence.signal.value
    if status["evidence"]:
        return status["evidence"][0]["signal"]
    return status["reason"] or kind
