"""Phases of a recovery, and what moves it."""

from enum import Enum, StrEnum, auto


class RecoveryPhase(StrEnum):
    """Phase of a recovery."""

    WAIT = "wait"
    PROBES = "probes"
    RAMP = "ramp"
    MEMORY = "memory"
    """Calls are admitted while memory is below its threshold."""


class RecoveryOutcome(Enum):
    """Effect of a report or a tick on a recovery."""

    UNCHANGED = auto()
    STEP_FORWARD = auto()
    STEP_BACK = auto()
    FAILED = auto()
    RECOVERED = auto()
