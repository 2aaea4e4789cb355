"""Exponentially weighted moving average: values weighted by how long they lasted, with decay."""

from math import exp


class Ewma:
    """Exponentially weighted mean over about `span` seconds. Not thread-safe.

    The weight is kept beside the sum, so that early means are not biased towards zero (the bias
    correction of Adam; Kingma and Ba 2015, section 3).

    Attributes:
        weight: Share of the span that was observed: 0 at first, towards 1 after `span`.
    """

    __slots__ = ("_span", "_sum", "weight")

    def __init__(self, span: float) -> None:
        self._span = span
        self._sum = 0.0
        self.weight = 0.0

    def add(self, value: float, seconds: float) -> None:
        """Add a value that lasted `seconds`."""
        kept = exp(-seconds / self._span)
        self._sum = self._sum * kept + value * (1 - kept)
        self.weight = self.weight * kept + 1 - kept

    @property
    def mean(self) -> float:
        """Return the mean; 0 before the first value."""
        return self._sum / self.weight if self.weight else 0.0

    def restore(self, mean: float, weight: float) -> None:
        """Restore a saved mean with the given weight, 0 to 1."""
        self._sum, self.weight = mean * weight, weight
