"""Types of the test kit. Checked by mypy in strict mode, never run."""

from __future__ import annotations

from typing import assert_type

from breakerd import Breaker, LoadReading, State, Transition
from breakerd.testing import BreakerHandle, Breakers, EventLog, ManualClock, take_over


def of_the_fixture(breakers: Breakers, payments: Breaker) -> None:
    handle = breakers["payments"]
    assert_type(handle, BreakerHandle)
    assert_type(breakers[payments], BreakerHandle)
    assert_type(handle.breaker, Breaker)
    assert_type(handle.transitions, list[State])
    assert_type(breakers.events, EventLog)
    assert_type(breakers.events.of(Transition), list[Transition])
    assert_type(breakers.memory, float | None)
    breakers.memory = 0.9
    breakers.load = LoadReading(cpu_pressure=90)
    handle.assert_transitions("CLOSED", State.OPEN)


def without_pytest() -> None:
    with take_over() as breakers:
        assert_type(breakers, Breakers)
        assert_type(list(breakers), list[BreakerHandle])
    Breaker(clock=ManualClock())
