"""False alarms of the anomaly signal on ordinary traffic, and its delay to detect a slowdown.

    .venv/bin/python -m benchmarks.studies.anomaly [WEEKS]

Calls arrive at random (Poisson), have lognormal durations and do not affect each other; one in a
hundred fails. So any breach before the slowdown is a false alarm.
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
"""Calls per second, mean duration in seconds, sigma of its logarithm."""


class Traffic:
    """Batches of random calls.

    Attributes:
        rate: calls per second.
        slower: factor on the durations of new calls.
        failing: share of the calls that fail, 0 to 1.
        hanging: True if no call ends.
    """

    def __init__(self, seed: int, rate: float, mean: float, sigma: float) -> None:
        self.rate, self.slower, self.failing, self.hanging = rate, 1.0, 0.01, False
        self._mu, self._sigma = math.log(mean) - sigma * sigma / 2, sigma
        self._random = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._now = 0.0
        self._arrival = 0.0
        self._ends: list[tuple[float, float]] = []

    def batch(self, seconds: float = TICK) -> CallDelta:
        """Return the calls of the next `seconds`."""
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
    """A baseline and its anomaly signal, fed by `traffic`."""

    def __init__(self, traffic: Traffic) -> None:
        self.baseline, self.signal = Baseline(), AnomalySignal()
        self.now = 0.0
        self._traffic = traffic

    def run(self, seconds: float) -> list[float]:
        """Advance the time; return the times of breaches, in seconds from the start of this run."""
        began, breaches = self.now, []
        while self.now < began + seconds:
            self.now += TICK
            before = self.signal.breached
            speed = 0.1 if before else 1.0
            if self.baseline.observe(self.now, self._traffic.batch(), learning_rate=speed):
                self.signal.judge(self.now, self.baseline)
            if self.signal.breached and not before:
                breaches.append(self.now - began)
        return breaches


def main() -> None:
    """Print a line for each kind of traffic."""
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
