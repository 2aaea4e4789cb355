"""Ceiling on concurrency while the machine is overloaded.

Additive increase, multiplicative decrease (Chiu and Jain 1989): while the load is too high the
ceiling falls; afterwards it rises until it holds no call back.
"""

from math import inf
from typing import Final

_DECREASE: Final = 0.97
"""Factor per sample while overloaded: about a quarter less each second."""
_INCREASE: Final = 0.02
"""Share of the ceiling by which it rises per sample afterwards."""
_MIN_INCREASE: Final = 0.1
"""Minimum increase per sample."""


class LoadCeiling:
    """Maximum concurrency that the load allows. Not thread-safe.

    Attributes:
        limit: Calls in flight at once; infinite while there is no overload.
    """

    def __init__(self) -> None:
        self.limit = inf

    def advance(self, in_flight: int, *, overloaded: bool, needed: bool) -> None:
        """Add one sample; `needed` is True if a call was rejected in it."""
        if overloaded:
            self.limit = max(1.0, min(self.limit, float(max(1, in_flight))) * _DECREASE)
        elif self.limit < inf:
            self.limit += max(_MIN_INCREASE, _INCREASE * self.limit)
            if not needed and self.limit > 2 * in_flight + 2:
                self.limit = inf
