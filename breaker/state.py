"""The states of a breaker, and why it goes from one to another."""

from enum import StrEnum


class State(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "CLOSED"
    """All calls pass, and are watched."""
    OPEN = "OPEN"
    """All calls are rejected, for a time."""
    HALF_OPEN = "HALF_OPEN"
    """A few probes pass, then a growing share of the calls."""
    WARMING_UP = "WARMING_UP"
    """Calls pass while what is normal is learnt."""
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
    MANUAL = "manual"
    WAIT_OVER = "wait_over"
    PROBE_FAILED = "probe_failed"
    RAMP_FAILED = "ramp_failed"
    RECOVERED = "recovered"
    RESET = "reset"
    OPERATOR = "operator"
    RESTORED = "restored"
