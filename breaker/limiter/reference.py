"""Reference values of the limiter: latency, concurrency and throughput without overload."""

from collections import deque
from math import exp
from typing import Final

from breakerd.breaker.limiter.ewma import Ewma
from breakerd.breaker.limiter.sample import Sample

_SPAN: Final = 60.0
"""Seconds over which normal values are learnt and the maxima decay."""
_READY_WEIGHT: Final = 0.3
"""Minimum weight of the learnt latency to be used: reached after about 20 s."""
_KNEE_LATENCY_RATIO: Final = 1.25
"""Maximum latency, as a multiple of normal, at which a concurrency counts for the knee."""


class ReferenceLatency:
    """Normal latency and concurrency, the knee and the peak throughput. Not thread-safe.

    Args:
        horizon: Seconds for which past concurrency is kept.
    """

    def __init__(self, horizon: float) -> None:
        self._horizon = horizon
        self._latency = Ewma(_SPAN)
        self._in_flight = Ewma(_SPAN)
        self._concurrency: deque[tuple[float, int]] = deque()
        self.knee = 1.0
        """Highest recent concurrency with normal latency (Kleinrock's knee)."""
        self.peak = 0.0
        """Highest recent throughput in successes per second (BBR's filter, with decay)."""

    @property
    def latency(self) -> float:
        """Return the normal mean duration of a success in seconds."""
        return self._latency.mean

    @property
    def in_flight(self) -> float:
        """Return the normal mean number of calls in flight."""
        return self._in_flight.mean

    @property
    def ready(self) -> bool:
        """True if the latency is known well enough to compare with."""
        return self._latency.weight > _READY_WEIGHT

    def update(self, sample: Sample) -> None:
        """Learn a sample taken without overload."""
        if sample.successes:
            self._latency.add(sample.success_seconds / sample.successes, sample.seconds)
        self._in_flight.add(sample.in_flight, sample.seconds)

    def observe(self, now: float, sample: Sample) -> None:
        """Add any sample, and update the knee."""
        self._concurrency.append((now, sample.in_flight))
        while self._concurrency[0][0] < now - self._horizon:
            self._concurrency.popleft()
        if not (sample.successes and self.ready):
            return
        latency = sample.success_seconds / sample.successes
        if latency < _KNEE_LATENCY_RATIO * self.latency:
            # The latency of calls that end now belongs to the concurrency when they began.
            met = self._concurrency_at(now - latency)
            self.knee = max(self.knee * exp(-sample.seconds / _SPAN), met)

    def record_throughput(self, throughput: float, seconds: float) -> None:
        """Record a throughput in successes per second; the peak decays."""
        self.peak = max(self.peak * exp(-seconds / _SPAN), throughput)

    def dump(self) -> dict[str, float]:
        """Return the learnt values as plain data."""
        return {
            "latency": self.latency,
            "in_flight": self.in_flight,
            "weight": self._latency.weight,
            "knee": self.knee,
            "peak": self.peak,
        }

    def restore(self, data: dict[str, float], trust: float) -> None:
        """Restore the result of `dump`; `trust`, 0 to 1, scales its weight."""
        weight = data["weight"] * trust
        self._latency.restore(data["latency"], weight)
        self._in_flight.restore(data["in_flight"], weight)
        self.knee = max(1.0, data["knee"] * trust)
        self.peak = data["peak"] * trust

    def _concurrency_at(self, moment: float) -> int:
        for when, in_flight in reversed(self._concurrency):
            if when <= moment:
                return in_flight
        return 0
