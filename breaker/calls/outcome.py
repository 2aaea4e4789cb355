"""Outcomes of a call, and what is known of one that its caller abandoned."""

from enum import Enum, auto
from math import inf, nextafter
from typing import Final

_TIMER_PRECISION: Final = 0.0005
"""Seconds to which an event loop keeps its timers: a call cut off at a limit is not below it."""


class CallOutcome(Enum):
    """Outcome of a call."""

    SUCCESS = auto()
    ERROR = auto()
    ABANDONED = auto()
    """Its caller gave it up: how it would have ended, and when, is not known."""


def least_end(start: float, end: float, *limits: float) -> float:
    """Return the earliest time at which a call that was abandoned at `end` could have ended.

    A call abandoned at a limit had not ended by then, so it took longer than the limit.
    """
    for limit in limits:
        if 0 <= limit - (end - start) <= _TIMER_PRECISION:
            end = start + limit
            while end - start <= limit:
                end = nextafter(end, inf)
    return end
