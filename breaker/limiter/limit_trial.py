"""Measurement of one limit, begun once the calls of the previous limit have ended."""

from math import exp, inf, sqrt
from typing import Final

from breakerd.breaker.limiter.sample import Sample

FAILURE_COST: Final = 0.25
"""Cost of a failed call relative to the value of a success: it used capacity and time."""

_MIN_SECONDS: Final = 0.5
"""Minimum seconds of a usable measurement."""
_MIN_CALLS: Final = 10
"""Minimum number of ended calls of a usable measurement."""


class LimitTrial:
    """Throughput and latency at one limit. Not thread-safe.

    Args:
        limit: The limit to measure.
        measure_from: Time of the first sample that counts; None to wait until the calls beyond
            the limit have ended.
        memory: Seconds after which a sample's weight decays to 1/e; infinite for a plain sum.
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
        """Add a sample; samples count from `settle` seconds after the excess calls have ended."""
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
        """Return the number of ended calls, decayed."""
        return self.successes + self.failures

    @property
    def ready(self) -> bool:
        """True if there are enough samples."""
        return self.seconds >= _MIN_SECONDS and self.calls >= _MIN_CALLS

    @property
    def goodput(self) -> float:
        """Return the successes per second, less the cost of failures."""
        return (self.successes - FAILURE_COST * self.failures) / self.seconds

    @property
    def latency(self) -> float:
        """Return the mean duration of a success in seconds."""
        return self._success_seconds / max(1.0, self.successes)

    def z_score(self, gain: float, seconds: float) -> float:
        """Return by how many standard deviations this exceeds a goodput measured over `seconds`.

        Completions of busy workers vary less than those of a Poisson process (`_REGULARITY`).
        """
        noise = sqrt(max(self.goodput, 0.1) / self.seconds + max(gain, 0.1) / seconds)
        return _REGULARITY * (self.goodput - gain) / noise


_REGULARITY: Final = 1.2
