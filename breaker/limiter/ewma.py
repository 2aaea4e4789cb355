"""A mean that forgets: each value counts for as long as it lasted, less as time passes."""

from math import exp


class Ewma:
    """An exponentially weighted mean over about `span` seconds, right from the first value on.

    The weight given so far is kept beside the sum, so that early values are not pulled towards
    zero (the bias correction of Adam; Kingma and Ba 2015, section 3).
    """

    __slots__ = ("_span", "_sum", "weight")

    def __init__(self, span: float) -> None:
        self._span = span
        self._sum = 0.0
        self.weight = 0.0
        """How much of what it could know it knows: 0 at first, towards 1 after `span`."""

    def add(self, value: float, seconds: float) -> None:
        """Takes in a value that held for `seconds`."""
        kept = exp(-seconds / self._span)
        self._sum = self._sum * kept + value * (1 - kept)
        self.weight = self.weight * kept + 1 - kept

    @property
    def mean(self) -> float:
        """The mean; 0 before the first value."""
        return self._sum / self.weight if self.weight else 0.0

    def restore(self, mean: float, weight: float) -> None:
        """Takes up a mean that was saved, with as much weight as it is still worth."""
        self._sum, self.weight = mean * weight, weight
