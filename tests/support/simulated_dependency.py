"""A dependency that hangs, or stands still now and then, and the callers in front of it."""

from __future__ import annotations

import heapq
import random
from itertools import count
from math import inf

from breakerd import Breaker
from breakerd.breaker.testing import ManualClock

Pauses = list[tuple[float, float]]
"""(begin, end) of each time in which nothing is answered, in order."""


class SimulatedDependency:
    """Callers of a breaker with Poisson arrivals, a manual clock and seeded random numbers.

    A call that would end during a pause ends right after it, with all others that wait. The
    breaker's ticks come when it asks for them, as from its ticker.

    Args:
        breaker: Breaker asked before each call.
        clock: The breaker's clock.
        rate: Calls per second.
        timeout: Seconds after which a caller gives up; infinite for callers that wait for ever.
        mean: Mean duration of a call in seconds.
        pauses: Times in which nothing is answered, by the clock.
        seed: Seed of arrivals and durations.
    """

    def __init__(
        self,
        breaker: Breaker,
        clock: ManualClock,
        *,
        rate: float,
        timeout: float,
        mean: float = 0.05,
        pauses: Pauses | None = None,
        seed: int = 0,
    ) -> None:
        self.breaker, self.clock = breaker, clock
        self.rate, self.timeout, self.mean = rate, timeout, mean
        self.pauses = pauses or []
        self.drain = 0.01
        """Seconds in which the calls that waited are answered after a pause."""
        self.good = self.bad = self.rejected = 0
        self.hung: list[float] = []
        """Start of each admitted call that is never answered, or not before its caller gives up."""
        self._random = random.Random(seed)
        self._order = count()
        self._ends: list[tuple[float, int, float, bool]] = []
        """Heap of (end, order, start, failed)."""

    def run(self, until: float) -> None:
        """Let callers come and go until the clock shows `until`, or the breaker is not closed."""
        coming = self.clock() + self._random.expovariate(self.rate)
        ticking = self.clock() + self.breaker.tick()
        while not self.breaker.triggered:
            ending = self._ends[0][0] if self._ends else inf
            now = min(coming, ticking, ending)
            if now > until:
                break
            self.clock.now = now
            if now == ending:
                _, _, start, failed = heapq.heappop(self._ends)
                self.good, self.bad = self.good + (not failed), self.bad + failed
                self.breaker.done(start, now, error=failed)
            elif now == coming:
                self._begin(now)
                coming = now + self._random.expovariate(self.rate)
            else:
                ticking = now + max(0.001, self.breaker.tick())
        else:
            return
        self.clock.now = until

    def _begin(self, now: float) -> None:
        if not self.breaker.allow():
            self.rejected += 1
            return
        end = now + self.mean * self._random.uniform(0.5, 1.5)
        for begin, over in self.pauses:
            if begin <= end < over:
                end = over + self._random.uniform(0, self.drain)
        failed = end - now > self.timeout
        end = min(end, now + self.timeout)
        if failed or end == inf:
            self.hung.append(now)
        if end < inf:
            heapq.heappush(self._ends, (end, next(self._order), now, failed))
