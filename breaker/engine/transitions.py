"""Record changes of state: the last trip, counts, and an event for each."""

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from breakerd.breaker.engine.event_source import EventSource
from breakerd.breaker.engine.state_machine import Change, StateMachine
from breakerd.breaker.events.events import (
    NO_EVIDENCE,
    Evidence,
    ShadowTransition,
    Signal,
    Transition,
)
from breakerd.breaker.states import FORCED_OPEN, OPEN, Reason, State

REASON_OF_SIGNAL: Final = {
    Signal.LATENCY: Reason.LATENCY,
    Signal.ERRORS: Reason.ERRORS,
    Signal.SLO: Reason.FAILURE_STREAK,
}
"""Reason of a trip by each signal that reads the calls."""


class Remark(NamedTuple):
    """Words of whoever asked for a change of state, and their name; empty if they gave none."""

    note: str = ""
    actor: str = ""


NO_REMARK: Final = Remark()


class Changed(NamedTuple):
    """The last change of state that calls met.

    Attributes:
        at: wall-clock time in seconds since the epoch.
        from_state: state before.
        to_state: state since.
        reason: reason of the change.
        remark: words and name of whoever asked for it.
    """

    at: float
    from_state: State
    to_state: State
    reason: Reason
    remark: Remark


@dataclass(frozen=True, slots=True)
class Trip:
    """The last opening of a breaker.

    Attributes:
        at: wall-clock time in seconds since the epoch; None if it never opened.
        reason: what opened it.
        evidence: measurements that the trip was based on.
        note: the operator's words.
        actor: the operator's name.
    """

    at: float | None = None
    reason: Reason = Reason.MANUAL
    evidence: tuple[Evidence, ...] = NO_EVIDENCE
    note: str = ""
    actor: str = ""


class TransitionLog:
    """The changes of state of one breaker."""

    def __init__(self, machine: StateMachine, events: EventSource) -> None:
        self._machine = machine
        self._events = events
        self.last_trip = Trip()
        self.last_change: Changed | None = None
        self.counts: Counter[tuple[str, str, str]] = Counter()
        """Number of changes by (from, to, reason); those underneath `OBSERVE` are not counted."""

    @property
    def rejection_reason(self) -> str:
        """Reason of rejections by the state: the operator's override, or the last trip's reason."""
        override = self._machine.override
        return override.value.lower() if override else self.last_trip.reason.value

    def record(
        self, now: float, change: Change, evidence: tuple[Evidence, ...], remark: Remark
    ) -> None:
        """Record a change that the machine made, and emit it."""
        at = time.time()
        if change.to_state in {OPEN, FORCED_OPEN}:
            self.last_trip = Trip(at, change.reason, evidence, *remark)
        if not change.shadow:
            self.last_change = Changed(
                at, change.from_state, change.to_state, change.reason, remark
            )
        deadline = self._machine.deadline
        self._events.send(
            ShadowTransition if change.shadow else Transition,
            now,
            from_state=change.from_state,
            to_state=change.to_state,
            reason=change.reason,
            evidence=evidence,
            note=remark.note,
            actor=remark.actor,
            retry_in=max(0.0, deadline - now) if math.isfinite(deadline) else None,
            generation=self._machine.generation,
        )
        if not change.shadow:
            self.counts[change.from_state, change.to_state, change.reason] += 1
