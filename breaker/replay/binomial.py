"""Compute the probability that a window of calls looks bad by chance (binomial distribution)."""

from math import exp, lgamma, log
from typing import Final

SIGNIFICANCE_LEVEL: Final = 1e-6
"""Accepted probability of a false alarm per window: one in a million."""


def tail(calls: int, share: float, least: int) -> float:
    """Return the probability of `least` or more hits in `calls`, each with probability `share`."""
    if least <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    terms = (_term(calls, share, hits) for hits in range(least, calls + 1))
    return min(1.0, sum(terms))


def tolerable_share(calls: int, least: int) -> float:
    """Return the largest share whose tail at `least` is at most `SIGNIFICANCE_LEVEL`."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if tail(calls, middle, least) <= SIGNIFICANCE_LEVEL:
            low = middle
        else:
            high = middle
    return low


def _term(calls: int, share: float, hits: int) -> float:
    """Return the probability of exactly `hits`; by logarithms, as the factors overflow."""
    ways = lgamma(calls + 1) - lgamma(hits + 1) - lgamma(calls - hits + 1)
    return exp(ways + hits * log(share) + (calls - hits) * log(1 - share))
