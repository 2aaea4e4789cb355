"""How far the last seconds are from what the last seconds usually are.

The mean of ten seconds varies by itself, the more the fewer calls there are and the more they come
in bursts. No formula knows how much; so these means are watched like any other series, on the scale
of a day, and a departure is measured in their own deviations. For durations it is the mean of their
logarithms, which a single very slow call hardly moves.

What is far out counts as if it were three deviations out, so that trouble neither moves the normal
much nor makes room for itself (P. Huber, "Robust estimation of a location parameter", 1964).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.series import Quantity, Scale

MIN_DURATION: Final = 1e-6
"""Seconds; the logarithm of less is not asked for."""

READY_AFTER: Final = 120.0
"""Seconds of normal after which it is known what is far out."""

_MAX_Z_SCORE: Final = 3.0
"""Deviations."""
_MIN_DEVIATION: Final = {
    Quantity.RATE: (0.1, 0.05),
    Quantity.ERRORS: (0.01, 0.0),
    Quantity.DURATION: (0.05, 0.0),
    Quantity.IN_FLIGHT: (0.1, 0.05),
}
"""What a deviation is at least: a number, and a share of the mean. Too little variation is luck."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One quantity of the last ten seconds beside its normal.

    Attributes:
        value: its mean over the last ten seconds; for durations the geometric one.
        normal: what that mean is normally.
        deviations: by how many standard deviations it is above that; below it is negative.
    """

    value: float
    normal: float
    z_score: float

    @property
    def ratio(self) -> float:
        """How many times the normal it is; infinite where that is 0."""
        if self.normal > 0:
            return self.value / self.normal
        return float("inf") if self.value > 0 else 1.0


class OutlierModel:
    """What means of ten seconds usually are, for each quantity. Not thread-safe."""

    __slots__ = ("levels", "log_duration")

    def __init__(self) -> None:
        self.levels = {quantity: Moments() for quantity in Quantity}
        """On the scale of a day; that of durations holds logarithms."""
        self.log_duration = Moments()
        """Of durations, over the last ten seconds."""

    @property
    def learned_seconds(self) -> float:
        """How long it has learnt, as far as that still counts."""
        return self.levels[Quantity.RATE].weight

    def decay(self, elapsed: float, *, learning_rate: float) -> None:
        """Lets time pass; for what is learnt at `speed` of it."""
        factor = Scale.DAY.decay(elapsed * learning_rate)
        for level in self.levels.values():
            level.decay(elapsed, factor)
        self.log_duration.decay(elapsed, Scale.SECONDS.decay(elapsed))

    def observe(self, ended: int, durations: Sequence[float]) -> None:
        """Takes in the durations of the present moment, a sample of the `ended` calls."""
        if durations:
            logarithms = [log(max(MIN_DURATION, seconds)) for seconds in durations]
            self.log_duration.add(ended, sum(logarithms) / len(logarithms))

    def learn(self, seconds: float, means: dict[Quantity, float]) -> None:
        """Takes the present means for normal, for so many seconds."""
        known = self.learned_seconds >= READY_AFTER
        for quantity, level in self.levels.items():
            present = self._present(quantity, means)
            if known:
                room = _MAX_Z_SCORE * self._standard_deviation(quantity)
                present = min(level.mean + room, max(level.mean - room, present))
            level.add(seconds, present)

    def deviation(self, quantity: Quantity, means: dict[Quantity, float]) -> Deviation:
        """Where the present mean of `quantity` is."""
        level, present = self.levels[quantity], self._present(quantity, means)
        logarithmic = quantity is Quantity.DURATION
        return Deviation(
            value=exp(present) if logarithmic else present,
            normal=exp(level.mean) if logarithmic else level.mean,
            z_score=(present - level.mean) / self._standard_deviation(quantity),
        )

    def _standard_deviation(self, quantity: Quantity) -> float:
        level = self.levels[quantity]
        number, share = _MIN_DEVIATION[quantity]
        return max(level.deviation, number, share * level.mean)

    def _present(self, quantity: Quantity, means: dict[Quantity, float]) -> float:
        return self.log_duration.mean if quantity is Quantity.DURATION else means[quantity]
