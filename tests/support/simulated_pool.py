"""Simulated pool of workers behind one FIFO queue, for tests of the limiter."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable

from breakerd import Breaker
from breakerd.breaker.testing import ManualClock


class SimulatedPool:
    """Callers of a breaker in front of a pool, with a manual clock and seeded random numbers.

    Args:
        breaker: Breaker asked before each call.
        clock: The breaker's clock.
        workers: Number of calls served at once.
        mean: Mean service time in seconds.
        timeout: Seconds after which a caller gives up; the pool serves the call regardless.
    """

    def __init__(
        self, breaker: Breaker, clock: ManualClock, *, workers: int, mean: float, timeout: float
    ) -> None:
        self.breaker, self.clock = breaker, clock
        self.workers, self.mean, self.timeout = workers, mean, timeout
        self.slowdown: Callable[[int], float] = lambda _: 1.0
        """Factor on the service time by the number of calls being served."""
        self.good = self.bad = self.rejected = 0
        self._random = random.Random(7)
        self._queue: deque[list[float]] = deque()
        self._busy: list[float] = []
        self._ends: list[tuple[float, float, bool]] = []

    def run(self, seconds: float, rate: float) -> None:
        """Run for `seconds` with Poisson arrivals, `rate` a second."""
        until = self.clock() + seconds
        coming = self.clock() + self._random.expovariate(rate)
        while coming < until:
            self._serve(coming)
            self.clock.now = coming
            if self.breaker.allow():
                self._queue.append([coming])
                self._start_waiting(coming)
            else:
                self.rejected += 1
            coming += self._random.expovariate(rate)
        self._serve(until)
        self.clock.now = until

    def count(self) -> tuple[int, int, int]:
        """Return (good, bad, rejected) since the last count."""
        counts = self.good, self.bad, self.rejected
        self.good = self.bad = self.rejected = 0
        return counts

    def _start_waiting(self, now: float) -> None:
        while self._queue and len(self._busy) < self.workers:
            (start,) = self._queue.popleft()
            takes = self.mean * self._random.uniform(0.5, 1.5) * self.slowdown(len(self._busy))
            heapq.heappush(self._busy, now + takes)
            end, good = now + takes, now + takes - start <= self.timeout
            heapq.heappush(self._ends, (end if good else start + self.timeout, start, good))

    def _serve(self, until: float) -> None:
        """End calls up to `until` in order of time; those that wait too long time out."""
        while True:
            waiting = self._queue[0][0] + self.timeout if self._queue else float("inf")
            soonest = min(
                self._ends[0][0] if self._ends else float("inf"),
                self._busy[0] if self._busy else float("inf"),
                waiting,
            )
            if soonest > until:
                return
            self.clock.now = max(self.clock.now, soonest)
            if self._busy and self._busy[0] == soonest:
                heapq.heappop(self._busy)
                self._start_waiting(soonest)
            elif self._ends and self._ends[0][0] == soonest:
                _, start, good = heapq.heappop(self._ends)
                self._report(start, good=good)
            else:
                (start,) = self._queue.popleft()
                self._report(start, good=False)

    def _report(self, start: float, *, good: bool) -> None:
        self.good += good
        self.bad += not good
        self.breaker.done(start, self.clock(), error=not good)
