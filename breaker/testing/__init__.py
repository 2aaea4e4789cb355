"""Test kit for code that uses breakers; `breakerd.testing` is its public name."""

from breakerd.breaker.testing.breakers import Breakers, take_over
from breakerd.breaker.testing.doubles import EventLog, ManualClock, simulate_call
from breakerd.breaker.testing.handle import BreakerHandle
from breakerd.breaker.testing.lookup import BreakerLookupError

__all__ = [
    "BreakerHandle",
    "BreakerLookupError",
    "Breakers",
    "EventLog",
    "ManualClock",
    "simulate_call",
    "take_over",
]
