"""A ceiling that the machine's own load puts on the calls at once.

Additive increase, multiplicative decrease (Chiu and Jain 1989), steered by a verdict of others:
while the load is too high the ceiling falls, afterwards it rises until it holds nothing back.
"""

from math import inf
from typing import Final

_DECREASE: Final = 0.97
"""Factor per sample while the load is too high: about a quarter less each second."""
_INCREASE: Final = 0.02
"""Share of the calls at once by which it rises per sample afterwards, and at least ..."""
_MIN_INCREASE: Final = 0.1


class LoadCeiling:
    """How many calls at once the load allows; infinite while it is borne."""

    def __init__(self) -> None:
        self.limit = inf

    def advance(self, in_flight: int, *, overloaded: bool, needed: bool) -> None:
        """Takes in one sample; `needed` says whether anything was held back in it."""
        if overloaded:
            self.limit = max(1.0, min(self.limit, float(max(1, in_flight))) * _DECREASE)
        elif self.limit < inf:
            self.limit += max(_MIN_INCREASE, _INCREASE * self.limit)
            if not needed and self.limit > 2 * in_flight + 2:
                self.limit = inf
