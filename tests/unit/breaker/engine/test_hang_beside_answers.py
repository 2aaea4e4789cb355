"""Calls that hang while others are answered, and calls whose end nobody reports."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

import pytest

from breakerd import Breaker, State
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]

NEVER = float("inf")


class Traffic:
    """Calls of one breaker, each with the seconds that it takes; ticked twice a second."""

    def __init__(self, breaker: Breaker, clock: ManualClock) -> None:
        self._breaker = breaker
        self._clock = clock
        self._ends: list[tuple[float, float]] = []
        self._next_tick = clock()

    def call(self, seconds: float) -> None:
        if self._breaker.allow() and seconds < NEVER:
            heappush(self._ends, (self._clock() + seconds, self._clock()))

    def wait(self, seconds: float) -> None:
        until = self._clock() + seconds
        while True:
            due = min(self._next_tick, self._ends[0][0] if self._ends else NEVER)
            if due > until:
                break
            self._clock.advance(max(0.0, due - self._clock()))
            if due == self._next_tick:
                self._breaker.tick()
                self._next_tick += 0.5
            else:
                end, start = heappop(self._ends)
                self._breaker.done(start, end)
        self._clock.advance(until - self._clock())


@pytest.fixture
def breaker(make: MakeBreaker) -> Breaker:
    return make()


@pytest.fixture
def traffic(breaker: Breaker, clock: ManualClock) -> Traffic:
    return Traffic(breaker, clock)


# --- calls whose end nobody reports are no hang


def test_lost_calls_do_not_open_a_service_whose_calls_come_in_bursts(
    breaker: Breaker, traffic: Traffic
) -> None:
    """One call of a hundred is lost, and all is quiet between two bursts."""
    for _ in range(60):
        for n in range(100):
            traffic.call(NEVER if n == 50 else 0.3 + n % 7 / 20)
            traffic.wait(0.002)
        traffic.wait(4.8)
    assert breaker.in_flight == 60
    assert breaker.state is State.CLOSED


def test_lost_calls_do_not_open_a_busy_service_that_pauses(
    breaker: Breaker, traffic: Traffic
) -> None:
    """Of short calls, the few that were lost lately are more than those that are answered."""
    for n in range(6000):
        traffic.call(NEVER if n % 500 == 250 else 0.001)
        traffic.wait(0.001)
        if n % 3000 == 2999:
            traffic.wait(5)
    assert breaker.in_flight == 12
    assert breaker.state is State.CLOSED


def test_a_few_lost_calls_do_not_open_a_quiet_service(breaker: Breaker, traffic: Traffic) -> None:
    """With ten calls in the window, one that is slow would be above the 95th percentile."""
    for n in range(200):
        traffic.call(NEVER if n % 50 == 25 else 0.1)
        traffic.wait(4)
    assert breaker.in_flight == 4
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("at", [0.0, 0.9, 1.8, 2.7, 3.6])
def test_a_wave_of_long_calls_beside_short_ones_does_not_open(
    at: float, breaker: Breaker, traffic: Traffic
) -> None:
    """Clients open their streams anew, within two seconds."""
    for _ in range(50):
        traffic.call(0.05)
        traffic.wait(0.5)
    traffic.wait(at)
    for n in range(30):
        traffic.call(NEVER)
        if n % 8 == 0:
            traffic.call(0.05)
        traffic.wait(2 / 30)
    for _ in range(80):
        traffic.call(0.05)
        traffic.wait(0.5)
    assert breaker.state is State.CLOSED


# --- calls that hang


@pytest.mark.parametrize(("share", "rate"), [(2, 20), (2, 1), (3, 20)])
def test_a_part_of_the_calls_that_hangs_opens_it(
    share: int, rate: int, breaker: Breaker, traffic: Traffic
) -> None:
    """Every second or third call hangs, and the others are answered at once."""
    for _ in range(20 * rate):
        traffic.call(0.05)
        traffic.wait(1 / rate)
    for n in range(30 * rate):
        traffic.call(0.05 if n % share else NEVER)
        traffic.wait(1 / rate)
        if breaker.triggered:
            break
    assert breaker.triggered
    assert "calls in flight for more than" in breaker.status()["evidence"][0]["sentence"]


def test_a_small_pool_whose_workers_all_wait_is_seen(breaker: Breaker, traffic: Traffic) -> None:
    """Four workers, three of which are busy in the mean."""
    for n in range(400):
        for worker in range(4):
            if (n + worker) % 4:
                traffic.call(0.09)
        traffic.wait(0.1)
    for _ in range(4):
        traffic.call(NEVER)
        traffic.wait(0.01)
    traffic.wait(3)
    assert breaker.triggered


def test_a_slow_call_counts_once_when_it_ends(breaker: Breaker, traffic: Traffic) -> None:
    """Nine calls are fewer than the minimum, while some hang and some have ended."""
    for _ in range(9):
        traffic.call(2)
        traffic.wait(0.01)
    traffic.wait(5)
    assert breaker.in_flight == 0
    assert breaker.state is State.CLOSED
