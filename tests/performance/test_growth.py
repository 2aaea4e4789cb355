"""A breaker keeps nothing for the calls and transitions that are over."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

from breakerd import Breaker, LimiterSettings, RecoverySettings, Settings, Slo, State
from breakerd.breaker.testing import ManualClock, simulate_call

SETTINGS = {
    "plain": Settings(latency_window_size=64, wait_time=1, recovery=RecoverySettings(ramp=())),
    "self-tuning": Settings(
        latency_window_size=64,
        slo=Slo(success_rate=0.9, timeout=1, warmup=0),
        limiter=LimiterSettings(enabled=True),
    ),
}
ROOM = 150
"""Blocks by which the interpreter's caches may grow: far fewer than there are calls."""


def growth(happens: Callable[[], None], breaker: Breaker, clock: ManualClock) -> int:
    """Blocks of memory that are left of what happens, with the window full before and after."""

    def allocated() -> int:
        breaker.reset()
        for _ in range(200):
            simulate_call(breaker, clock, 1)
        breaker.status()
        gc.collect()
        return sys.getallocatedblocks()

    happens()  # until all buffers have their size
    before = allocated()
    happens()
    return allocated() - before


@pytest.mark.parametrize("kind", SETTINGS)
def test_calls_leave_nothing_behind(kind: str) -> None:
    clock = ManualClock()
    breaker = Breaker(SETTINGS[kind], clock=clock, memory=lambda: 0.1)

    def calls() -> None:
        for number in range(5_000):
            simulate_call(breaker, clock, 1 + number % 7, error=number % 11 == 0)

    assert growth(calls, breaker, clock) < ROOM


@pytest.mark.parametrize("kind", SETTINGS)
def test_transitions_leave_nothing_behind(kind: str) -> None:
    clock = ManualClock()
    breaker = Breaker(SETTINGS[kind], clock=clock, memory=lambda: 0.1)
    breaker.subscribe(lambda _: None)

    def transitions() -> None:
        before = sum(breaker.counters().transitions.values())
        for _ in range(250):
            breaker.trip()
            while breaker.state is not State.CLOSED:
                clock.advance(1)
                simulate_call(breaker, clock, 1)
        assert sum(breaker.counters().transitions.values()) >= before + 750

    assert growth(transitions, breaker, clock) < ROOM
