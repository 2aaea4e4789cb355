"""False alarms of the anomaly verdict on ordinary traffic, and how soon it sees a slowdown.

    .venv/bin/python -m benchmarks.anomaly [weeks]

Calls arrive at random (Poisson), take lognormal times and do not hinder each other; one in a
hundred fails. So whatever is told before the slowdown is a false alarm.
"""

import math
import random
import sys
from heapq import heappop, heappush

from breakerd.breaker.baseline import Baseline
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.signals.anomaly import AnomalySignal

WEEK = 7 * 86400.0
TICK = 0.5
SLOWDOWN = 3.0

TRAFFIC = [(2, 0.5, 1.5), (5, 0.1, 0.5), (10, 0.1, 1.0), (20, 0.05, 0.5), (20, 0.5, 1.5)]
"""(calls per second, mean seconds, sigma of their logarithm)."""


class Traffic:
    """Batches of made-up calls.

    Attributes:
        rate: calls per second.
        slower: how many times longer new calls take than they should.
        failing: share of the calls that fail.
        hanging: whether no call ends.
    """

    def __init__(self, seed: int, rate: float, mean: float, sigma: float) -> None:
        self.rate, self.slower, self.failing, self.hanging = rate, 1.0, 0.01, False
        self._mu, self._sigma = math.log(mean) - sigma * sigma / 2, sigma
        self._random = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._now = 0.0
        self._arrival = 0.0
        self._ends: list[tuple[float, float]] = []

    def batch(self, seconds: float = TICK) -> CallDelta:
        """The calls of the next `seconds`."""
        self._now += seconds
        admitted = self._begin()
        durations = [] if self.hanging else self._end()
        errors = sum(self._random.random() < self.failing for _ in durations)
        return CallDelta(
            admitted=admitted,
            ended=len(durations),
            errors=errors,
            duration=sum(durations),
            durations=durations[-64:],
            in_flight=len(self._ends),
        )

    def _begin(self) -> int:
        admitted = 0
        while self._arrival <= self._now:
            duration = self.slower * self._random.lognormvariate(self._mu, self._sigma)
            heappush(self._ends, (self._arrival + duration, duration))
            self._arrival += self._random.expovariate(self.rate)
            admitted += 1
        return admitted

    def _end(self) -> list[float]:
        durations = []
        while self._ends and self._ends[0][0] <= self._now:
            durations.append(heappop(self._ends)[1])
        return durations


class Watch:
    """A baseline and the verdict by it, fed by `traffic`."""

    def __init__(self, traffic: Traffic) -> None:
        self.baseline, self.signal = Baseline(), AnomalySignal()
        self.now = 0.0
        self._traffic = traffic

    def run(self, seconds: float) -> list[float]:
        """Lets time pass; returns when trouble was told, in seconds from the start of this run."""
        began, told = self.now, []
        while self.now < began + seconds:
            self.now += TICK
            before = self.signal.breached
            speed = 0.1 if before else 1.0
            if self.baseline.observe(self.now, self._traffic.batch(), learning_rate=speed):
                self.signal.judge(self.now, self.baseline)
            if self.signal.breached and not before:
                told.append(self.now - began)
        return told


def main() -> None:
    """Prints a line for each kind of traffic."""
    weeks = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    print(f"{'calls/s':>8} {'mean s':>7} {'sigma':>6} {'false alarms':>13} {'3x seen after s':>16}")
    for rate, mean, sigma in TRAFFIC:
        traffic = Traffic(1, rate, mean, sigma)
        watch = Watch(traffic)
        false = len(watch.run(weeks * WEEK))
        traffic.slower = SLOWDOWN
        seen = watch.run(60)
        when = f"{seen[0]:.1f}" if seen else "not"
        print(f"{rate:8} {mean:7} {sigma:6} {false:13} {when:>16}", flush=True)


if __name__ == "__main__":
    main()
