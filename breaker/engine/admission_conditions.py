"""Which conditions beside the state may reject a call: memory, and the concurrency limit."""

from typing import Final

from breakerd.breaker.engine.load_shedder import LoadShedder
from breakerd.breaker.engine.recovering.phases import RecoveryPhase
from breakerd.breaker.engine.state_machine import StateMachine
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.load import LoadSignal
from breakerd.breaker.signals.memory import MemorySignal
from breakerd.breaker.states import HALF_OPEN, WATCHING

OVERLOADED: Final = "overloaded"
"""Reason of a call that is rejected by the concurrency limit."""
_LIMITED_PHASES: Final = frozenset({RecoveryPhase.RAMP, RecoveryPhase.MEMORY})
"""Phases of a recovery in which a concurrency limit counts."""


class AdmissionConditions:
    """Answers from the present readings; changes nothing."""

    def __init__(self, machine: StateMachine, memory: MemorySignal, load: LoadSignal) -> None:
        self._machine = machine
        self._memory = memory
        self._load = load

    def configure(self, settings: Settings, shedder: LoadShedder) -> None:
        """Apply settings, and the load shedder made from them."""
        self._gates_memory = settings.gates_memory
        self._shedder = shedder

    @property
    def gates_memory(self) -> bool:
        """True if memory holds back calls one by one, and not for a stated wait."""
        return self._gates_memory and self._machine.decides

    @property
    def out_of_memory(self) -> bool:
        """True if no call may pass for lack of memory, whatever the state."""
        return self.gates_memory and self._memory.above_threshold

    @property
    def checks_memory_per_call(self) -> bool:
        """True if memory must be read for each call, since it is nearly short."""
        return self.gates_memory and self._memory.near_threshold

    @property
    def probes_blocked(self) -> bool:
        """True if memory is too short, or the load too high, to let even a probe go."""
        return self._memory.breached or self._load.rejects

    @property
    def admits_up_to_limit(self) -> bool:
        """True if calls pass as far as a limit lets them."""
        machine = self._machine
        if machine.decided in WATCHING:
            return True
        return machine.decided is HALF_OPEN and machine.recovery.phase in _LIMITED_PHASES

    @property
    def may_reject_while_closed(self) -> bool:
        """True if calls may be rejected while closed: by a limit, or for lack of memory."""
        return self._shedder.limiting or self.checks_memory_per_call

    @property
    def rejects_for_limit(self) -> bool:
        """True if a call rejected now is rejected by the limit, and not by the state."""
        watching = self._machine.override is None and self._machine.decided in WATCHING
        return self._shedder.limiting and watching
