"""Counts stay exact and states legal under threads that are switched as often as can be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from breaker import Breaker, Settings

THREADS, CALLS = 8, 25_000


@pytest.fixture(autouse=True)
def eager_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_in_threads(work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_counts_are_exact_on_the_hot_path() -> None:
    breaker = Breaker(Settings(latency_threshold=60_000), memory=lambda: 0.1)

    def work() -> None:
        for _ in range(CALLS):
            assert breaker.allow()
            start = breaker.clock()
            breaker.done(start, breaker.clock())

    run_in_threads(work)
    counters = breaker.counters()
    assert counters.success == THREADS * CALLS
    assert counters.in_flight == 0
    assert counters.duration_buckets[-1][1] == THREADS * CALLS
    assert breaker.status()["window_calls"] == 64
    breaker.close()


def test_counts_are_exact_while_everything_happens() -> None:
    breaker = Breaker(Settings(latency_threshold=60_000, error_threshold=0.5), memory=lambda: 0.1)
    calls = CALLS // 5

    def work() -> None:
        for i in range(calls):
            if breaker.allow():
                start = breaker.clock()
                breaker.done(start, breaker.clock(), error=i % 3 == 0)
            if i % 500 == 0:
                breaker.trip()
                breaker.reset()
                breaker.apply(Settings(latency_window_size=1 + i % 100))

    run_in_threads(work)
    counters = breaker.counters()
    assert counters.success + counters.error + counters.rejected == THREADS * calls
    assert counters.in_flight == 0
    breaker.close()


def test_the_stress_would_find_a_lost_count() -> None:
    """The control: the same threads on a count with a call in the middle of its update."""

    class Careless:
        count = 0

        def add(self) -> None:
            self.count = self.following(self.count)

        def following(self, count: int) -> int:
            return count + 1

    careless = Careless()

    def work() -> None:
        for _ in range(CALLS):
            careless.add()

    for done in range(1, 51):
        run_in_threads(work)
        if careless.count < done * THREADS * CALLS:
            return
    pytest.fail("no count was lost in 50 runs: this stress would not find a race")
