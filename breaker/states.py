"""The states of a breaker, why it goes from one to another, and the machine that does it."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

from breakerd.breaker.engine.recovery import Recovery, RecoveryOutcome, RecoveryPhase
from breakerd.breaker.settings import Settings


class State(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "CLOSED"
    """All calls pass, and are watched."""
    OPEN = "OPEN"
    """All calls are rejected, for a time."""
    HALF_OPEN = "HALF_OPEN"
    """A few probes pass, then a growing share of the calls."""
    WARMING_UP = "WARMING_UP"
    """Calls pass, unless all is hopeless, until enough was seen to judge by."""
    FORCED_OPEN = "FORCED_OPEN"
    """An operator said: reject everything, until told otherwise."""
    DISABLED = "DISABLED"
    """An operator said: let everything pass, and decide nothing."""
    OBSERVE = "OBSERVE"
    """Decides and reports as if closed or open, and rejects nothing."""


class Reason(StrEnum):
    """Why a breaker changed its state."""

    LATENCY = "latency"
    ERRORS = "errors"
    MEMORY = "memory"
    LOAD = "load"
    FAILURE_STREAK = "hopeless"
    MEMORY_RECOVERED = "memory_back"
    WARMUP_ENDED = "warmed_up"
    MANUAL = "manual"
    WAIT_ELAPSED = "wait_over"
    PROBE_FAILED = "probe_failed"
    RAMP_FAILED = "ramp_failed"
    RECOVERED = "recovered"
    RESET = "reset"
    OPERATOR = "operator"
    RESTORED = "restored"


# A member looked up in its class costs 75 ns in CPython 3.11: more than all that `allow` does.
CLOSED: Final = State.CLOSED
OPEN: Final = State.OPEN
HALF_OPEN: Final = State.HALF_OPEN
WARMING_UP: Final = State.WARMING_UP
FORCED_OPEN: Final = State.FORCED_OPEN
DISABLED: Final = State.DISABLED
OBSERVE: Final = State.OBSERVE

REJECTING: Final = frozenset({OPEN, HALF_OPEN, FORCED_OPEN})
"""The states in which calls are rejected: all of them, or all but a share."""
WATCHING: Final = frozenset({CLOSED, WARMING_UP})
"""The states in which the window may open the breaker."""
RECOVERING: Final = frozenset({OPEN, HALF_OPEN})
"""The states in which the recovery says what may pass."""


@dataclass(frozen=True, slots=True)
class Change:
    """The machine went from one state to another.

    With `observed`, only the decision underneath an `OBSERVE` changed, and no call is affected.
    """

    from_state: State
    to_state: State
    reason: Reason
    observed: bool = False


class StateMachine:
    """States and the ways between them. Pure: no clock, no lock, no I/O; `now` is passed in.

    Two things are kept apart: what the signals decided (`automatic`) and what an operator wants
    regardless (`mode`). `OBSERVE` lets the first run on without effect.
    """

    def __init__(self, settings: Settings) -> None:
        self.recovery = Recovery(settings)
        self.decided = CLOSED
        self.override: State | None = None
        self.reason = Reason.RESET
        self.warm_up_until = -inf
        """When warming up ends."""
        self.generation = 0
        self.generation_started_at = -inf
        """Calls that began before this belong to an earlier generation and decide nothing."""

    @property
    def state(self) -> State:
        """The state that calls meet."""
        return self.override or self.decided

    @property
    def decides(self) -> bool:
        """Whether signals may move the machine: not under `FORCED_OPEN` and `DISABLED`."""
        return self.override is None or self.override is OBSERVE

    @property
    def deadline(self) -> float:
        """When time alone may next change something; infinite if never."""
        if self.decided is CLOSED:
            return inf
        if self.decided is WARMING_UP and self.decides:
            return self.warm_up_until
        recovering = self.decided in RECOVERING
        return self.recovery.deadline if recovering and self.decides else inf

    def warm_up(self, until: float) -> None:
        """Begins by warming up; before any call, so nobody need be told."""
        self.decided, self.warm_up_until = WARMING_UP, until

    def end_warm_up(self, now: float, *, enough: bool = False) -> Change | None:
        """Ends warming up, if it is over or enough is known. Its calls go on counting."""
        if self.decided is not WARMING_UP or not (enough or now >= self.warm_up_until):
            return None
        since = self.generation_started_at
        change = self._transition(now, CLOSED, Reason.WARMUP_ENDED)
        self.generation_started_at = since
        return change

    def rejects_until_deadline(self, now: float) -> bool:
        """Whether every call is rejected until some time has passed, whatever calls show."""
        recovery = self.recovery
        if self.decided is OPEN:
            return recovery.enough_rejected and now < recovery.until
        probing = self.decided is HALF_OPEN and recovery.phase is RecoveryPhase.PROBES
        return probing and recovery.adaptive and recovery.enough_rejected and now < recovery.until

    def would_admit(self, now: float) -> bool:
        """What the signals' decision says to one more call; takes a place where there are few."""
        return self.recovery.admit(now) if self.decided in RECOVERING else True

    def trip(self, now: float, reason: Reason, *, adaptive: bool = False) -> Change | None:
        """Opens; None if it is open already (a manual trip then starts the wait anew)."""
        if self.decided is OPEN:
            if reason is Reason.MANUAL:
                self.recovery.open(now)
            return None
        self.recovery.open(now, adaptive=adaptive)
        return self._transition(now, OPEN, reason)

    def probe(self, now: float) -> Change | None:
        """Ends the wait, if it is over."""
        waiting = now < self.recovery.until or not self.recovery.enough_rejected
        if self.decided is not OPEN or waiting:
            return None
        self.recovery.start_probing(now)
        return self._transition(now, HALF_OPEN, Reason.WAIT_ELAPSED)

    def watch_memory(self, now: float) -> Change | None:
        """Lets calls go while there is memory, after a trip for the lack of it."""
        if self.decided is not OPEN:
            return None
        self.recovery.watch_memory()
        return self._transition(now, HALF_OPEN, Reason.MEMORY_RECOVERED)

    def settle(self, now: float, outcome: RecoveryOutcome) -> Change | None:
        """Draws the consequence of what the recovery said."""
        if outcome is RecoveryOutcome.RECOVERED:
            return self.close(now, Reason.RECOVERED)
        if outcome is RecoveryOutcome.FAILED:
            failed_probe = self.recovery.phase is RecoveryPhase.PROBES
            reason = Reason.PROBE_FAILED if failed_probe else Reason.RAMP_FAILED
            return self.trip(now, reason, adaptive=self.recovery.adaptive)
        if outcome is RecoveryOutcome.STEP_BACK:
            # Calls let in at the larger share say nothing about the smaller one.
            self.generation_started_at = now
        return None

    def close(self, now: float, reason: Reason) -> Change | None:
        """Closes; None if it is closed already."""
        self.recovery.reset_failures()
        if self.decided is CLOSED:
            return None
        return self._transition(now, CLOSED, reason)

    def set_mode(self, now: float, mode: State | None, reason: Reason) -> Change | None:
        """Puts the operator's mode in force, or takes it away; None if that changes nothing."""
        if mode is self.override:
            return None
        before, self.override = self.state, mode
        # Without a mode the decision starts afresh, so that there is one change and not two.
        self.decided = CLOSED
        self.recovery.reset_failures()
        return self._record_change(now, before, reason, observed=False)

    def resume(
        self, now: float, automatic: State, mode: State | None, wait: float
    ) -> Change | None:
        """Goes where an earlier process was, `wait` seconds before its probes; None if it is there.

        Half open becomes open without a wait: the probes are lost with the process that sent them.
        """
        before = self.state
        self.override = mode
        if automatic is not WARMING_UP:
            self.decided = CLOSED if automatic is CLOSED else OPEN
        self.recovery.wait(now + wait)
        if self.state is before:
            return None
        return self._record_change(now, before, Reason.RESTORED, observed=False)

    def _transition(self, now: float, to_state: State, reason: Reason) -> Change:
        before, self.decided = self.decided, to_state
        return self._record_change(now, before, reason, observed=self.override is not None)

    def _record_change(
        self, now: float, before: State, reason: Reason, *, observed: bool
    ) -> Change:
        self.reason = reason
        self.generation += 1
        self.generation_started_at = now
        after = self.decided if observed else self.state
        return Change(before, after, reason, observed=observed)
