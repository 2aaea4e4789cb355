"""How fast to learn what is normal."""

from typing import Final

from breakerd.breaker.engine.state_machine import StateMachine
from breakerd.breaker.states import REJECTING

_DEGRADED_RATE: Final = 0.1
"""Rate at which the baseline of a day is learnt while something is breached; 1 is normal."""


def learning_rate(machine: StateMachine, *, drill: bool, degraded: bool) -> float:
    """Return the rate of learning, 0 to 1: an outage must not become normal."""
    if drill or machine.state in REJECTING or machine.decided in REJECTING:
        return 0.0
    return 1.0 if machine.decides and not degraded else _DEGRADED_RATE
