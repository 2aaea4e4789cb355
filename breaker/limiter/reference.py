"""What the limiter knows of better times: latency, concurrency and throughput while all is well."""

from collections import deque
from math import exp
from typing import Final

from breakerd.breaker.limiter.ewma import Ewma
from breakerd.breaker.limiter.sample import Sample

_SPAN: Final = 60.0
"""Seconds over which normal is learnt, and over which the best is forgotten."""
_READY_WEIGHT: Final = 0.3
"""Weight of the learnt latency from which on it is relied upon: after about 20 s."""
_KNEE_LATENCY_RATIO: Final = 1.25
"""Up to so many times the normal latency, a concurrency counts as borne well."""


class ReferenceLatency:
    """Learnt while no limit is in force and nothing is amiss.

    Args:
        horizon: how many seconds back the concurrency is remembered.
    """

    def __init__(self, horizon: float) -> None:
        self._horizon = horizon
        self._latency = Ewma(_SPAN)
        self._in_flight = Ewma(_SPAN)
        self._concurrency: deque[tuple[float, int]] = deque()
        self.knee = 1.0
        """The most calls at once that were lately borne with normal latency (Kleinrock's knee)."""
        self.peak = 0.0
        """The best throughput of late, in successes per second (BBR's filter, made to fade)."""

    @property
    def latency(self) -> float:
        """Mean duration of a success, in seconds."""
        return self._latency.mean

    @property
    def in_flight(self) -> float:
        """Mean number of calls at once."""
        return self._in_flight.mean

    @property
    def ready(self) -> bool:
        """Whether the latency is known well enough to compare with."""
        return self._latency.weight > _READY_WEIGHT

    def update(self, sample: Sample) -> None:
        """Takes in a sample of good times."""
        if sample.successes:
            self._latency.add(sample.success_seconds / sample.successes, sample.seconds)
        self._in_flight.add(sample.in_flight, sample.seconds)

    def observe(self, now: float, sample: Sample) -> None:
        """Takes in any sample: how many calls at once were borne well?"""
        self._concurrency.append((now, sample.in_flight))
        while self._concurrency[0][0] < now - self._horizon:
            self._concurrency.popleft()
        if not (sample.successes and self.ready):
            return
        latency = sample.success_seconds / sample.successes
        if latency < _KNEE_LATENCY_RATIO * self.latency:
            # The calls that end now say how well the concurrency was borne that they met.
            met = self._concurrency_at(now - latency)
            self.knee = max(self.knee * exp(-sample.seconds / _SPAN), met)

    def record_throughput(self, throughput: float, seconds: float) -> None:
        """Notes a throughput; the best is kept, and fades."""
        self.peak = max(self.peak * exp(-seconds / _SPAN), throughput)

    def dump(self) -> dict[str, float]:
        """What was learnt, as plain data."""
        return {
            "latency": self.latency,
            "in_flight": self.in_flight,
            "weight": self._latency.weight,
            "knee": self.knee,
            "peak": self.peak,
        }

    def restore(self, data: dict[str, float], trust: float) -> None:
        """Takes up what `dump` gave; `trust`, 0 to 1, is what it is still worth."""
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
