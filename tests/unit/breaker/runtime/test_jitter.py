"""Waits of many processes are spread; a run on a driven clock can be repeated."""

from __future__ import annotations

import random

import pytest

from breakerd import Breaker, Settings
from breakerd.breaker.testing import ManualClock


def test_processes_that_open_together_do_not_come_back_together() -> None:
    waits = []
    for _ in range(50):
        breaker = Breaker(Settings(wait_time=3600), memory=lambda: 0.1)
        breaker.trip()
        waits.append(breaker.retry_after)
        breaker.close()
    assert min(waits) > 3590
    assert max(waits) <= 3960
    assert max(waits) - min(waits) > 100


def test_a_driven_clock_has_no_chance_unless_it_is_given(clock: ManualClock) -> None:
    breaker = Breaker(clock=clock, memory=lambda: 0.1)
    breaker.trip()
    assert breaker.retry_after == 10


def test_what_is_shown_is_the_wait_with_chance(clock: ManualClock) -> None:
    chance = random.Random(3)
    breaker = Breaker(clock=clock, memory=lambda: 0.1, jitter=chance.random)
    breaker.trip()
    wait = 10 * (1 + 0.1 * random.Random(3).random())
    assert breaker.retry_after == pytest.approx(wait)
    assert breaker.status()["retry_after_seconds"] == pytest.approx(wait, abs=0.001)
    clock.advance(wait - 0.001)
    assert not breaker.allow()
    clock.advance(0.002)
    assert breaker.allow()
