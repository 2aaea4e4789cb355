"""Moments and percentiles of one quantity on one time scale."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from math import exp
from typing import Final

from breakerd.breaker.baseline.ddsketch import BucketLayout, DDSketch
from breakerd.breaker.baseline.moments import Moments


class Quantity(StrEnum):
    """Quantity that the baseline learns."""

    RATE = "rate"
    """Requests per second, rejected ones included."""
    ERRORS = "errors"
    """Share of ended calls that failed or were late."""
    DURATION = "duration"
    """Duration of a call in seconds."""
    IN_FLIGHT = "in_flight"
    """Calls in flight."""


class Scale(Enum):
    """Time scale in seconds.

    Weights decay exponentially with half of this as the time constant, so that their mean age is
    that of a plain window of this length.
    """

    SECONDS = 10.0
    MINUTES = 300.0
    DAY = 86400.0

    @property
    def time_constant(self) -> float:
        """Return the seconds in which a weight decays to 1/e."""
        return float(self.value) / 2

    @property
    def label(self) -> str:
        """Return the name in status and metrics."""
        return _LABELS[self]

    def decay(self, elapsed: float) -> float:
        """Return the factor by which a weight decays in `elapsed` seconds."""
        return exp(-elapsed / self.time_constant)


_LABELS: Final = {Scale.SECONDS: "10s", Scale.MINUTES: "5min", Scale.DAY: "1day"}

LAYOUTS: Final = {
    Quantity.RATE: BucketLayout(1e-3, 1e6),
    Quantity.ERRORS: BucketLayout(1e-4, 1.0),
    Quantity.DURATION: BucketLayout(1e-5, 1e5),
    Quantity.IN_FLIGHT: BucketLayout(1e-1, 1e6),
}
"""Bucket layout of each quantity, to 5 %."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of one quantity on one scale, in its own unit; zeros before the first value.

    Attributes:
        mean: Weighted by time for rate and calls in flight, by calls for errors and durations.
        deviation: Standard deviation: of single calls for durations, else from second to second.
        derivative: Slope per second.
        p50: Median, to 5 %, as are the other percentiles.
        p90: 90th percentile.
        p95: 95th percentile.
        p99: 99th percentile.
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
        """Let `elapsed` seconds pass and multiply all weights by `factor`, 0 to 1."""
        self.moments.decay(elapsed, factor)
        self.sketch.decay(factor)

    def statistics(self) -> Statistics:
        """Return the statistics. O(number of buckets)."""
        moments = self.moments
        return Statistics(
            moments.mean,
            moments.deviation,
            moments.slope,
            *self.sketch.weighted_percentiles(0.5, 0.9, 0.95, 0.99),
        )
