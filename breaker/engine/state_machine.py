"""State machine of a breaker: which state follows which, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from breakerd.breaker.engine.recovering.phases import RecoveryOutcome, RecoveryPhase
from breakerd.breaker.engine.recovery import Recovery
from breakerd.breaker.settings import Settings
from breakerd.breaker.states import (
    CLOSED,
    HALF_OPEN,
    OBSERVE,
    OPEN,
    RECOVERING,
    REJECTING,
    WARMING_UP,
    Reason,
    State,
)

_DEGRADED_RATE: Final = 0.1
"""Rate at which the baseline of a day is learnt while something is breached; 1 is normal."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state.

    With `shadow`, only the decision underneath an `OBSERVE` changed, and no call is affected.
    """

    from_state: State
    to_state: State
    reason: Reason
    shadow: bool = False


class StateMachine:
    """States and the transitions between them. Pure: no clock, no lock, no I/O; `now` is passed in.

    Two things are kept apart: the state that the signals decided (`decided`), and the operator's
    override, which wins (`override`). `OBSERVE` lets the first change without effect.
    """

    def __init__(self, settings: Settings, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self.recovery = Recovery(settings, jitter)
        self.decided = CLOSED
        self.override: State | None = None
        self.reason = Reason.RESET
        self.warm_up_until = -inf
        """Time at which warming up ends."""
        self.generation = 0
        self.generation_started_at = -inf
        """Calls that began before this belong to an earlier generation and decide nothing."""

    @property
    def state(self) -> State:
        """State that calls meet."""
        return self.override or self.decided

    @property
    def decides(self) -> bool:
        """True if signals may move the machine: not under `FORCED_OPEN` and `DISABLED`."""
        return self.override is None or self.override is OBSERVE

    @property
    def deadline(self) -> float:
        """Time of the next change by time alone; infinite if there is none."""
        if self.decided is CLOSED:
            return inf
        if self.decided is WARMING_UP and self.decides:
            return self.warm_up_until
        recovering = self.decided in RECOVERING
        return self.recovery.deadline if recovering and self.decides else inf

    def wait_left(self, now: float) -> float:
        """Return seconds until probes may go, if open; else 0."""
        waits = self.decided is OPEN and self.recovery.guide is None
        return max(0.0, self.recovery.until - now) if waits else 0.0

    def rejects_until_deadline(self, now: float) -> bool:
        """Return True if every call is rejected until some time has passed, whatever calls show."""
        recovery = self.recovery
        if recovery.guide is not None and recovery.phase is not RecoveryPhase.RAMP:
            return not recovery.guide.lends
        if self.decided is OPEN:
            return recovery.rejected_enough(now) and now < recovery.until
        probing = self.decided is HALF_OPEN and recovery.phase is RecoveryPhase.PROBES
        waiting = recovery.adaptive and recovery.rejected_enough(now)
        return probing and waiting and now < recovery.until

    def admit(self, now: float) -> bool:
        """Admit or reject one call by the decided state; an admitted probe takes a place."""
        return self.recovery.admit(now) if self.decided in RECOVERING else True

    # --- transitions; each returns None where nothing changes

    def warm_up(self, until: float) -> None:
        """Begin by warming up; before any call, so that there is no event."""
        self.decided, self.warm_up_until = WARMING_UP, until

    def end_warm_up(self, now: float, *, enough: bool = False) -> Change | None:
        """End warming up if its time is over or enough is known. Its calls go on counting."""
        if self.decided is not WARMING_UP or not (enough or now >= self.warm_up_until):
            return None
        started = self.generation_started_at
        change = self._transition(now, CLOSED, Reason.WARMUP_ENDED)
        self.generation_started_at = started
        return change

    def trip(self, now: float, reason: Reason) -> Change | None:
        """Open. If open already, a manual trip starts the wait anew."""
        if self.decided is OPEN:
            if reason is Reason.MANUAL:
                self.recovery.open(now, reason)
            return None
        self.recovery.open(now, reason)
        return self._transition(now, OPEN, reason)

    def start_half_open(self, now: float) -> Change | None:
        """End the wait of an open breaker if its time is over."""
        waiting = now < self.recovery.until or not self.recovery.rejected_enough(now)
        if self.decided is not OPEN or waiting:
            return None
        self.recovery.start_probing(now)
        return self._transition(now, HALF_OPEN, Reason.WAIT_ELAPSED)

    def watch_memory(self, now: float) -> Change | None:
        """After a trip by memory, let calls go while there is memory."""
        if self.decided is not OPEN:
            return None
        self.recovery.watch_memory()
        return self._transition(now, HALF_OPEN, Reason.MEMORY_RECOVERED)

    def settle(self, now: float, outcome: RecoveryOutcome) -> Change | None:
        """Apply an outcome of the recovery."""
        if outcome is RecoveryOutcome.RECOVERED:
            return self.close(now, Reason.RECOVERED)
        if outcome is RecoveryOutcome.FAILED:
            failed_probe = self.recovery.phase is RecoveryPhase.PROBES
            reason = Reason.PROBE_FAILED if failed_probe else Reason.RAMP_FAILED
            return self.trip(now, reason)
        begins_ramp = outcome is RecoveryOutcome.STEP_FORWARD and self.recovery.begins_ramp
        if outcome is RecoveryOutcome.STEP_BACK or begins_ramp:
            # Calls admitted at the larger share, and probes, say nothing about this one.
            self.generation_started_at = now
        return None

    def close(self, now: float, reason: Reason) -> Change | None:
        """Close."""
        if reason is Reason.RECOVERED:
            self.recovery.close(now)
        else:
            self.recovery.reset()
        if self.decided is CLOSED:
            return None
        return self._transition(now, CLOSED, reason)

    def set_override(self, now: float, override: State | None, reason: Reason) -> Change | None:
        """Set the operator's override, or remove it with None."""
        if override is self.override:
            return None
        before, self.override = self.state, override
        # Without an override the decision starts afresh, so that there is one change and not two.
        self.decided = CLOSED
        self.recovery.reset()
        return self._record_change(now, before, reason, shadow=False)

    def resume(
        self, now: float, decided: State, override: State | None, wait: float, tripped_by: Reason
    ) -> Change | None:
        """Resume the state of an earlier process, with `wait` seconds left before its probes.

        Half open becomes open without a wait: the probes are lost with the process that sent them.
        """
        before = self.state
        self.override = override
        if decided is not WARMING_UP:
            self.decided = CLOSED if decided is CLOSED else OPEN
        self.recovery.resume(now, wait, tripped_by)
        if self.state is before:
            return None
        return self._record_change(now, before, Reason.RESTORED, shadow=False)

    def _transition(self, now: float, to_state: State, reason: Reason) -> Change:
        before, self.decided = self.decided, to_state
        return self._record_change(now, before, reason, shadow=self.override is not None)

    def _record_change(self, now: float, before: State, reason: Reason, *, shadow: bool) -> Change:
        self.reason = reason
        self.generation += 1
        self.generation_started_at = now
        after = self.decided if shadow else self.state
        return Change(before, after, reason, shadow=shadow)


def learning_rate(machine: StateMachine, *, drill: bool, degraded: bool) -> float:
    """Return the rate of learning, 0 to 1: an outage must not become normal."""
    if drill or machine.state in REJECTING or machine.decided in REJECTING:
        return 0.0
    return 1.0 if machine.decides and not degraded else _DEGRADED_RATE
