from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from breakerd.breaker.testing.shared_clock import SharedClock


class Alarm:
    """Due at given times; records when it was ticked."""

    def __init__(self, clock: Callable[[], float], *due: float) -> None:
        self.clock = clock
        self.due = list(due)
        self.rung: list[float] = []

    def tick(self) -> float:
        while self.due and self.due[0] <= self.clock():
            self.due.pop(0)
            self.rung.append(self.clock())
        return self.due[0] - self.clock() if self.due else math.inf


def test_it_stops_where_something_is_due() -> None:
    alarms: list[Alarm] = []
    clock = SharedClock(lambda: [alarm.tick for alarm in alarms])
    start = clock()
    alarms += [Alarm(clock, start + 3, start + 7), Alarm(clock, start + 5)]
    clock.advance(6)
    assert [alarm.rung for alarm in alarms] == [[start + 3], [start + 5]]
    assert clock() == start + 6
    clock.advance(100)
    assert alarms[0].rung == [start + 3, start + 7]
    assert clock() == start + 106


def test_sums_of_decimals_arrive() -> None:
    alarms: list[Alarm] = []
    clock = SharedClock(lambda: [alarm.tick for alarm in alarms])
    alarms.append(Alarm(clock, 1000.6))
    clock.advance(0.3)
    clock.advance(0.3)
    assert 1000 + 0.3 + 0.3 < 1000.6
    assert len(alarms[0].rung) == 1


def test_what_is_always_due_does_not_hold_it_up() -> None:
    clock = SharedClock(lambda: [lambda: 0.0])
    clock.advance(1e-8)
    assert clock() > 1000


@pytest.mark.parametrize("seconds", [-1, math.nan, math.inf])
def test_time_only_goes_forward(seconds: float) -> None:
    clock = SharedClock(list)
    with pytest.raises(ValueError, match="give seconds from 0"):
        clock.advance(seconds)
    assert clock() == 1000


def test_every_thread_that_advances_it_counts() -> None:
    clock = SharedClock(list)

    def advance() -> None:
        for _ in range(500):
            clock.advance(1)

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock() == 1000 + 4 * 500
