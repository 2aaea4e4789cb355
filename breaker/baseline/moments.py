"""Weighted mean, deviation and slope of a series in which the past fades.

Each value counts by its weight; weights shrink as time passes. What is kept are sums of squares
about the mean, combined pairwise, so nothing cancels however long it runs.

Sources: T. Finch, "Incremental calculation of weighted mean and variance" (2009), for the fading
mean and variance; T. Chan, G. Golub and R. LeVeque, "Updating formulae and a pairwise algorithm for
computing sample variances" (1979), for adding a group at once. The slope is that of the weighted
least-squares line of value against time, from the same kind of sums.
"""

from dataclasses import dataclass, fields
from math import sqrt
from typing import Final

_NEGLIGIBLE: Final = 1e-9
"""Weight below which all that is left is the last known mean."""


@dataclass(slots=True)
class Moments:
    """The moments of one series. Not thread-safe.

    Attributes:
        weight: sum of the present weights.
        mean: weighted mean; the last known one after everything has faded.
        age: mean age of the weights, in seconds.
        squares: weighted sum of squares about the mean.
        age_squares: the same of the ages.
        products: weighted sum of the products of both.
    """

    weight: float = 0.0
    mean: float = 0.0
    age: float = 0.0
    squares: float = 0.0
    age_squares: float = 0.0
    products: float = 0.0

    def decay(self, elapsed: float, factor: float) -> None:
        """Lets `elapsed` seconds pass, in which every weight shrinks to `factor` of it."""
        self.age += elapsed
        self.weight *= factor
        self.squares *= factor
        self.age_squares *= factor
        self.products *= factor
        if self.weight < _NEGLIGIBLE:
            self.weight = self.age = self.squares = self.age_squares = self.products = 0.0

    def add(self, weight: float, mean: float, squares: float = 0.0) -> None:
        """Takes in a group of values of the present moment.

        Args:
            weight: what they weigh together, above 0.
            mean: their mean.
            squares: weighted sum of their squares about it; 0 for a single value.
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
        """The standard deviation."""
        return sqrt(max(0.0, self.squares / self.weight)) if self.weight else 0.0

    @property
    def slope(self) -> float:
        """How fast the series rises, per second; 0 until it spans some time."""
        if self.age_squares <= _NEGLIGIBLE * self.weight:
            return 0.0
        return -self.products / self.age_squares

    def as_list(self) -> list[float]:
        """All of it, in the order of the attributes."""
        return [getattr(self, field.name) for field in fields(self)]
