"""What a breaker has counted since it was made, for metrics."""

from dataclasses import dataclass
from typing import Final

DURATION_BOUNDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bounds, in seconds, of the histogram of durations; a last bucket has none."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals of one breaker.

    Attributes:
        success: calls reported without error, late ones included.
        error: calls reported with error.
        rejected: calls that `allow` refused.
        in_flight: calls allowed and not reported yet.
        would_reject: calls let through that would have been refused, had it not been `OBSERVE`.
        transitions: how often it went (from, to, for that reason).
        duration_buckets: (upper bound in seconds, calls that took at most that long), cumulative,
            the last bound infinite.
        duration_sum: seconds that all reported calls took together.
    """

    success: int
    error: int
    rejected: int
    in_flight: int
    would_reject: int
    transitions: dict[tuple[str, str, str], int]
    duration_buckets: tuple[tuple[float, int], ...]
    duration_sum: float
