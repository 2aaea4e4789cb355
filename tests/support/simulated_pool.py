"""A pool of workers behind one queue, served first come first served, for tests of the limiter."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable

from breakerd import Breaker
from breakerd.breaker.testing import ManualClock


class SimulatedPool:
    """Callers of a breaker in front of a pool; time is driven, luck is seeded.

    Args:
        breaker: asked before each call.
        clock: the breaker's.
        workers: how many calls are served at once.
        mean: seconds that serving takes on average.
        timeout: seconds after which a caller hangs up; the pool goes on regardless.
    """

    def __init__(
        self, breaker: Breaker, clock: ManualClock, *, workers: int, mean: float, timeout: float
    ) -> None:
        self.breaker, self.clock = breaker, clock
        self.workers, self.mean, self.timeout = workers, mean, timeout
        self.slowdown: Callable[[int], float] = lambda _: 1.0
        """How much longer serving takes when so many others are being served."""
        self.good = self.bad = self.rejected = 0
        self._random = random.Random(7)
        self._queue: deque[list[float]] = deque()
        self._busy: list[float] = []
        self._ends: list[tuple[float, float, bool]] = []

    def run(self, seconds: float, rate: float) -> None:
        """Lets callers come at random, `rate` a second."""
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
        """(good, bad, rejected) since the last time."""
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
        """Ends what ends by then, in order of time; what waits too long times out in the queue."""
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
