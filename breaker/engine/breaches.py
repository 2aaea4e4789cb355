"""Track which signals are beyond their thresholds."""

from collections.abc import Callable
from typing import Final

from breakerd.breaker.engine.event_source import EventSource
from breakerd.breaker.engine.state_machine import StateMachine
from breakerd.breaker.events.events import Evidence, Signal, ThresholdBreached, ThresholdCleared
from breakerd.breaker.states import WATCHING

_CLEARED_WHILE_OPEN: Final = frozenset({Signal.MEMORY, Signal.LOAD})
"""Signals that are measured whether or not calls pass."""
_REPORTED: Final = frozenset({Signal.SLO, Signal.ANOMALY, Signal.OVERLOAD, Signal.LOAD})
"""Signals that are reported and need not reject."""


class BreachTracker:
    """Emits one event when a signal crosses its threshold, and one when it is within it again."""

    def __init__(self, machine: StateMachine, events: EventSource) -> None:
        self._machine = machine
        self._events = events
        self._breached: dict[Signal, Evidence] = {}

    def __bool__(self) -> bool:
        return bool(self._breached)

    def __contains__(self, signal: Signal) -> bool:
        return signal in self._breached

    @property
    def any_reported(self) -> bool:
        """True if a signal is breached that is reported and need not reject."""
        return not _REPORTED.isdisjoint(self._breached)

    def get(self, signal: Signal) -> Evidence | None:
        """Return the evidence of a breach of `signal`; None if it is within its threshold."""
        return self._breached.get(signal)

    def update(
        self, now: float, signal: Signal, gather: Callable[[], Evidence], *, breached: bool
    ) -> None:
        """Record whether `signal` is beyond its threshold.

        `gather` returns the present evidence; it is called only if an event is emitted.
        """
        if not breached:
            self._clear(now, signal, gather)
        elif signal not in self._breached:
            self._breached[signal] = evidence = gather()
            self._events.send(ThresholdBreached, now, signal=signal, evidence=evidence)

    def _clear(self, now: float, signal: Signal, gather: Callable[[], Evidence]) -> None:
        if signal not in self._breached:
            return
        # A window emptied by the trip itself does not mean that latency is good again.
        if signal in _CLEARED_WHILE_OPEN or self._machine.decided in WATCHING:
            del self._breached[signal]
            self._events.send(ThresholdCleared, now, signal=signal, evidence=gather())
