"""A process that was paused is slow itself, and not what it calls."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from breakerd import Breaker, State

PAUSE = 60.0


class Clock:
    """The real clock after a pause, in which the process could not run."""

    def __init__(self) -> None:
        self.paused = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.paused


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    made = Breaker(name="paused")
    yield made
    made.close()


def paused_with_calls(breaker: Breaker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> float:
    """Let fifty calls begin, and pause the process; return their start."""
    core = breaker.machinery.core
    monkeypatch.setattr(core, "_clock", clock)
    assert all(breaker.allow() for _ in range(50))
    start = clock()
    core.tick()
    clock.paused = PAUSE
    return start


def test_calls_that_were_in_flight_while_the_process_was_paused_decide_nothing(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    start = paused_with_calls(breaker, clock, monkeypatch)
    for _ in range(50):
        breaker.done(start, clock())
    breaker.machinery.core.tick()
    assert breaker.state is State.CLOSED
    assert breaker.counters().success == 50


def test_calls_that_are_in_flight_after_a_pause_are_no_hang(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused_with_calls(breaker, Clock(), monkeypatch)
    breaker.machinery.core.tick()
    assert breaker.state is State.CLOSED


def test_a_late_ticker_of_a_busy_process_is_no_pause(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "process_time", clock)
    start = paused_with_calls(breaker, clock, monkeypatch)
    for _ in range(50):
        breaker.done(start, clock())
    assert breaker.triggered


def test_calls_that_fail_after_a_pause_count(
    breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    start = paused_with_calls(breaker, clock, monkeypatch)
    breaker.done(start, clock())
    for _ in range(20):
        if breaker.allow():
            breaker.done(clock(), clock(), error=True)
    assert breaker.triggered
