"""One quantity on one time scale: its moments and its percentiles."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from math import exp
from typing import Final

from breakerd.breaker.baseline.ddsketch import BucketLayout, DDSketch
from breakerd.breaker.baseline.moments import Moments


class Quantity(StrEnum):
    """What is watched."""

    RATE = "rate"
    """Requests per second, rejected ones included."""
    ERRORS = "errors"
    """Share of the calls that ended which failed or came too late."""
    DURATION = "duration"
    """Seconds that a call took."""
    IN_FLIGHT = "in_flight"
    """Calls under way."""


class Scale(Enum):
    """How far back it is looked, in seconds.

    Weights fade exponentially, with half of this as time constant: so the mean age of what counts
    is that of a plain window of this length.
    """

    SECONDS = 10.0
    MINUTES = 300.0
    DAY = 86400.0

    @property
    def time_constant(self) -> float:
        """Seconds in which a weight shrinks to 1/e."""
        return float(self.value) / 2

    @property
    def label(self) -> str:
        """Its name in status and metrics."""
        return _LABELS[self]

    def decay(self, elapsed: float) -> float:
        """What is left of a weight after `elapsed` seconds."""
        return exp(-elapsed / self.time_constant)


_LABELS: Final = {Scale.SECONDS: "10s", Scale.MINUTES: "5min", Scale.DAY: "1day"}

LAYOUTS: Final = {
    Quantity.RATE: BucketLayout(1e-3, 1e6),
    Quantity.ERRORS: BucketLayout(1e-4, 1.0),
    Quantity.DURATION: BucketLayout(1e-5, 1e5),
    Quantity.IN_FLIGHT: BucketLayout(1e-1, 1e6),
}
"""Where each quantity's percentiles are told apart, to 5 %."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of one quantity on one scale, in its own unit; zeros before the first value.

    Attributes:
        mean: weighted by time for rate and calls in flight, by calls for errors and durations.
        deviation: standard deviation; of single calls for durations, else from second to second.
        derivative: how fast it rises, per second.
        p50: the median, to 5 %, as are the other percentiles.
        p90: nine in ten are below it.
        p95: 95 % are below it.
        p99: 99 % are below it.
    """

    mean: float
    deviation: float
    derivative: float
    p50: float
    p90: float
    p95: float
    p99: float


class Series:
    """Moments and sketch of one quantity on one scale. Not thread-safe."""

    __slots__ = ("moments", "sketch")

    def __init__(self, quantity: Quantity) -> None:
        self.moments = Moments()
        self.sketch = DDSketch(LAYOUTS[quantity])

    def decay(self, elapsed: float, factor: float) -> None:
        """Lets time pass."""
        self.moments.decay(elapsed, factor)
        self.sketch.decay(factor)

    def statistics(self) -> Statistics:
        """What is known. O(number of buckets)."""
        moments = self.moments
        return Statistics(
            moments.mean,
            moments.deviation,
            moments.slope,
            *self.sketch.weighted_percentiles(0.5, 0.9, 0.95, 0.99),
        )
