"""One call of a trace."""

from enum import Enum, auto
from typing import NamedTuple


class CallRecord(NamedTuple):
    """Recorded call.

    Attributes:
        start: its start, in seconds since the epoch or any other origin.
        duration: its duration in seconds.
        error: True if it failed.
        memory: used share of the memory limit at that time, 0 to 1; None if unknown.
        abandoned: True if its caller gave it up after `duration`, so that it was neither a
            success nor an error.
        weight: number of calls that it stands for, 1 or more: one of several that are alike, where
            not all of them are replayed.
    """

    start: float
    duration: float
    error: bool = False
    memory: float | None = None
    abandoned: bool = False
    weight: int = 1


class NoCall(Enum):
    """Reason why a line that can be read holds no call to be replayed."""

    OTHER = auto()
    """It is another event of the same log."""
    REJECTED = auto()
    """The call was rejected when it was recorded, and never reached the dependency."""
