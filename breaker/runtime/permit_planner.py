"""Plan which decisions `allow` may return by itself, how often, and until when."""

import math
from typing import Final

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.runtime.gate import Gate
from breakerd.breaker.runtime.recorder import CallRecorder
from breakerd.breaker.states import DISABLED, FORCED_OPEN, WATCHING

FIRST_BUDGET: Final = 32
"""Number of decisions prepared at first; each refill doubles it. So a quiet breaker keeps few in
memory, and one that rejects does not take many calls before it admits one again."""
MAX_ADMISSIONS: Final = 4096
"""Maximum number of prepared admissions. Once they are spent, a call records what was logged and
checks that the ticker still lives. Fewer cost each call more; more gain nothing."""
MAX_REJECTIONS: Final = 16_384
"""Maximum number of prepared rejections. These log nothing, so there may be more of them."""
MAX_LIMITED_ADMISSIONS: Final = 256
"""Maximum number of prepared admissions while a concurrency limit is in force and far."""


class PermitPlanner:
    """Refills the gate of one breaker. The breaker's lock must be held."""

    __slots__ = ("_engine", "_gate", "_recorder")

    def __init__(self, gate: Gate, engine: Engine, recorder: CallRecorder) -> None:
        self._gate = gate
        self._engine = engine
        self._recorder = recorder

    def refill(self, now: float, *, background: bool, ticking: bool) -> float:
        """Prepare decisions from the engine's state; return until when they may be repeated.

        Args:
            now: time in seconds of the breaker's clock.
            background: True if the breaker lives on the real clock.
            ticking: True if somebody other than the calls lets time pass.
        """
        decision, budget, until = self._plan(now, background=background, ticking=ticking)
        self._gate.refill(decision, budget)
        return until

    def stop(self) -> float:
        """Prepare no decisions, so that the next call asks; return until when the last is valid."""
        self._gate.refill(self._gate.decision, 0)
        return -math.inf

    def headroom(self) -> int:
        """Return how many calls may pass without a decision, while calls pass."""
        shedding = self._engine.shedder
        if not shedding.limiting:
            return self.next_budget(True)
        # So that no thread takes a prepared decision while the headroom is computed.
        self._gate.refill(True, 0)
        return min(MAX_LIMITED_ADMISSIONS, shedding.headroom(self._recorder.in_flight))

    def next_budget(self, decision: bool) -> int:
        """Return how many decisions to prepare next."""
        before = self._gate.budget if decision is self._gate.decision else 0
        return min(MAX_ADMISSIONS if decision else MAX_REJECTIONS, max(FIRST_BUDGET, 2 * before))

    def _plan(self, now: float, *, background: bool, ticking: bool) -> tuple[bool, int, float]:
        engine = self._engine
        machine, override = engine.machine, engine.machine.override
        if override is DISABLED:
            return True, self.next_budget(True), math.inf
        # Where nobody else lets time pass, calls that begin must do so too: they may all hang.
        driven = ticking or not (engine.shedder.interval or engine.watches_hangs)
        watching = machine.decided in WATCHING and machine.decides
        if watching and driven and not engine.conditions.checks_memory_per_call:
            headroom = self.headroom()
            return True, headroom, math.inf if headroom else -math.inf
        waiting = override is None and machine.rejects_until_deadline(now)
        waiting = waiting and not engine.conditions.may_reject_while_closed
        if not (background and (waiting or override is FORCED_OPEN)):
            return False, 0, -math.inf
        return False, self.next_budget(False), machine.deadline
