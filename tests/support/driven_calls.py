"""Calls on a breaker whose clock the test drives."""

from __future__ import annotations

import pytest

from breakerd import Breaker, State
from breakerd.breaker.testing import ManualClock, simulate_call

FAST, SLOW = 50, 500
"""Durations in milliseconds."""


def calls(
    breaker: Breaker, clock: ManualClock, count: int, ms: float, *, error: bool = False
) -> int:
    return sum(simulate_call(breaker, clock, ms, error=error) for _ in range(count))


def recover(breaker: Breaker, clock: ManualClock, ms: float = FAST) -> None:
    clock.advance(breaker.retry_after)
    for _ in range(2000):
        if breaker.state is State.CLOSED:
            return
        if not simulate_call(breaker, clock, ms):
            clock.advance(0.01)
    pytest.fail(f"still {breaker.state}")
