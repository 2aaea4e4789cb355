"""How likely chance alone makes a window of calls look bad, by the binomial distribution."""

from math import exp, lgamma, log
from typing import Final

SIGNIFICANCE_LEVEL: Final = 1e-6
"""What is called rare enough: one window in a million."""


def tail(calls: int, share: float, least: int) -> float:
    """How likely `least` or more of `calls` are hit, if each is with a chance of `share`."""
    if least <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    terms = (_term(calls, share, hits) for hits in range(least, calls + 1))
    return min(1.0, sum(terms))


def tolerable_share(calls: int, least: int) -> float:
    """The largest share of which `least` or more of `calls` are hit no more often than `CHANCE`."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if tail(calls, middle, least) <= SIGNIFICANCE_LEVEL:
            low = middle
        else:
            high = middle
    return low


def _term(calls: int, share: float, hits: int) -> float:
    """The chance of exactly so many hits; by logarithms, as the factors over- and underflow."""
    ways = lgamma(calls + 1) - lgamma(hits + 1) - lgamma(calls - hits + 1)
    return exp(ways + hits * log(share) + (calls - hits) * log(1 - share))
