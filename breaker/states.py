"""States of a breaker, and reasons for a change."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """States of a breaker, by the names that `status` and metrics show."""

    CLOSED = "CLOSED"
    """Every call passes and is watched."""
    OPEN = "OPEN"
    """Every call is rejected for a time."""
    HALF_OPEN = "HALF_OPEN"
    """A few probes pass, then a growing share of the calls."""
    WARMING_UP = "WARMING_UP"
    """Calls pass until the baseline is learnt; only a failure streak opens the breaker."""
    FORCED_OPEN = "FORCED_OPEN"
    """Operator override: every call is rejected until `reset` or `enable`."""
    DISABLED = "DISABLED"
    """Operator override: every call passes, and nothing is decided."""
    OBSERVE = "OBSERVE"
    """Operator override, shadow mode: decides and reports, and rejects nothing.

    resilience4j calls it METRICS_ONLY.
    """


class Reason(StrEnum):
    """Reasons for a change of state, by the names that events, `status` and metrics show."""

    LATENCY = "latency"
    ERRORS = "errors"
    MEMORY = "memory"
    LOAD = "load"
    FAILURE_STREAK = "failure_streak"
    """Calls in a row failed or hang, too many to be chance."""
    FLEET = "fleet"
    """Calls of most members of the fleet fail."""
    MEMORY_RECOVERED = "memory_recovered"
    WARMUP_ENDED = "warmup_ended"
    MANUAL = "manual"
    WAIT_ELAPSED = "wait_elapsed"
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
"""States in which calls are rejected: all of them, or all but a share."""
WATCHING: Final = frozenset({CLOSED, WARMING_UP})
"""States in which the window may open the breaker."""
RECOVERING: Final = frozenset({OPEN, HALF_OPEN})
"""States in which the recovery decides which calls pass."""
