"""Weighted mean, deviation and slope of a series with exponential decay.

Each value counts by its weight, and weights shrink as time passes. Sums of squares about the mean
are kept and combined pairwise, so that nothing cancels however long the series runs.

Sources: T. Finch, "Incremental calculation of weighted mean and variance" (2009), for the decaying
mean and variance; T. Chan, G. Golub and R. LeVeque, "Updating formulae and a pairwise algorithm for
computing sample variances" (1979), for adding a group at once. The slope is that of the weighted
least-squares line of value against time, from the same kind of sums.
"""

from dataclasses import dataclass, fields
from math import sqrt
from typing import Final

_NEGLIGIBLE: Final = 1e-9
"""Weight below which only the last mean is kept."""


@dataclass(slots=True)
class Moments:
    """Moments of one series. Not thread-safe.

    Attributes:
        weight: Sum of the current weights.
        mean: Weighted mean; the last one after all weights have decayed.
        age: Mean age of the weights in seconds.
        squares: Weighted sum of squares of the values about their mean.
        age_squares: Weighted sum of squares of the ages about their mean.
        products: Weighted sum of the products of both deviations.
    """

    weight: float = 0.0
    mean: float = 0.0
    age: float = 0.0
    squares: float = 0.0
    age_squares: float = 0.0
    products: float = 0.0

    def decay(self, elapsed: float, factor: float) -> None:
        """Let `elapsed` seconds pass and multiply every weight by `factor`, 0 to 1."""
        self.age += elapsed
        self.weight *= factor
        self.squares *= factor
        self.age_squares *= factor
        self.products *= factor
        if self.weight < _NEGLIGIBLE:
            self.weight = self.age = self.squares = self.age_squares = self.products = 0.0

    def add(self, weight: float, mean: float, squares: float = 0.0) -> None:
        """Add a group of values of the current moment.

        Args:
            weight: Total weight of the group, above 0.
            mean: Mean of the group.
            squares: Weighted sum of squares about that mean; 0 for a single value.
        """
        total = self.weight + weight
        share = weight / total
        both = self.weight * share
        step = mean - self.mean
        self.squares += squares + step * step * both
        self.age_squares += self.age * self.age * both
        self.products -= step * self.age * both
        self.mean += step * share
        self.age -= self.age * share
        self.weight = total

    @property
    def deviation(self) -> float:
        """Return the standard deviation."""
        return sqrt(max(0.0, self.squares / self.weight)) if self.weight else 0.0

    @property
    def slope(self) -> float:
        """Return the slope per second; 0 until the series spans some time."""
        if self.age_squares <= _NEGLIGIBLE * self.weight:
            return 0.0
        return -self.products / self.age_squares

    def as_list(self) -> list[float]:
        """Return all attributes in order."""
        return [getattr(self, field.name) for field in fields(self)]
