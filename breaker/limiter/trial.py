"""How the calls go at one limit, measured once those of the limit before have left."""

from math import exp, inf, sqrt
from typing import Final

from breakerd.breaker.limiter.sample import Sample

FAILURE_COST: Final = 0.25
"""What a failed call costs, where a success is worth one: it took a place, and somebody's time."""

_MIN_SECONDS: Final = 0.5
_MIN_CALLS: Final = 10


class LimitTrial:
    """Throughput and latency at one limit: one arm of a comparison.

    Args:
        limit: the limit in force.
        begin: when the calls that it let in begin to end; None for when the rest has left.
        memory: seconds after which a sample counts a third; infinite for a plain sum.
    """

    def __init__(
        self, limit: float, measure_from: float | None = None, memory: float = inf
    ) -> None:
        self.limit = limit
        self._measure_from = measure_from
        self._memory = memory
        self.seconds = 0.0
        self.successes = 0.0
        self.failures = 0.0
        self._success_seconds = 0.0

    def add(self, now: float, sample: Sample, settle: float) -> None:
        """Takes in a sample; the first count `settle` seconds after the excess has left."""
        if self._measure_from is None:
            if sample.in_flight > self.limit + 1:
                return
            self._measure_from = now + settle
        if now < self._measure_from:
            return
        kept = exp(-sample.seconds / self._memory)
        self.seconds = self.seconds * kept + sample.seconds
        self.successes = self.successes * kept + sample.successes
        self.failures = self.failures * kept + sample.failures
        self._success_seconds = self._success_seconds * kept + sample.success_seconds

    @property
    def calls(self) -> float:
        """Calls that ended."""
        return self.successes + self.failures

    @property
    def ready(self) -> bool:
        """Whether there is enough to speak of."""
        return self.seconds >= _MIN_SECONDS and self.calls >= _MIN_CALLS

    @property
    def goodput(self) -> float:
        """Successes per second, less the cost of failures."""
        return (self.successes - FAILURE_COST * self.failures) / self.seconds

    @property
    def latency(self) -> float:
        """Mean duration of a success, in seconds."""
        return self._success_seconds / max(1.0, self.successes)

    def z_score(self, gain: float, seconds: float) -> float:
        """By how many standard deviations this beats a gain that was measured over `seconds`.

        Completions of busy workers vary somewhat less than those of a Poisson process.
        """
        noise = sqrt(max(self.goodput, 0.1) / self.seconds + max(gain, 0.1) / seconds)
        return _REGULARITY * (self.goodput - gain) / noise


_REGULARITY: Final = 1.2
