"""Test kit for code that uses breakers.

With pytest there is a fixture, `breakers`, which needs no import; elsewhere `take_over`. See
docs/testing.md.

Example:
    def test_payment_is_refused_while_open(breakers: Breakers, client: Client) -> None:
        breakers["payments"].open()
        assert client.post("/pay").status_code == 503
        breakers.advance(10)
        assert client.post("/pay").status_code == 200
        breakers["payments"].assert_rejected(1)
"""

from breakerd.breaker.testing import (
    BreakerHandle,
    BreakerLookupError,
    Breakers,
    EventLog,
    ManualClock,
    simulate_call,
    take_over,
)

__all__ = [
    "BreakerHandle",
    "BreakerLookupError",
    "Breakers",
    "EventLog",
    "ManualClock",
    "simulate_call",
    "take_over",
]
