"""Counters of a breaker since its creation, for metrics."""

from dataclasses import dataclass
from typing import Final

DURATION_BOUNDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bounds in seconds of the duration histogram's buckets; the last bucket has none."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals of one breaker.

    Attributes:
        success: Calls reported without error, late ones included.
        error: Calls reported with error.
        abandoned: Calls that their caller gave up.
        rejected: Calls that `allow` rejected.
        in_flight: Calls admitted and not reported yet.
        would_reject: Calls admitted only because the breaker was in `OBSERVE`.
        transitions: Number of transitions by (from, to, reason).
        duration_buckets: (upper bound in seconds, calls that took at most that long), cumulative,
            the last bound infinite. Abandoned calls are among them once they were slow.
        duration_sum: Total seconds of those calls.
    """

    success: int
    error: int
    abandoned: int
    rejected: int
    in_flight: int
    would_reject: int
    transitions: dict[tuple[str, str, str], int]
    duration_buckets: tuple[tuple[float, int], ...]
    duration_sum: float
