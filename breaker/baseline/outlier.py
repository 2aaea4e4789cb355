"""Outlier model: how far the means of the last ten seconds are from normal.

The mean of ten seconds varies by itself, more so with fewer calls and with bursts. No formula gives
that variation, so the means are themselves a series on the one-day scale, and a deviation is
measured in standard deviations of that series. For durations, the mean of logarithms is used, which
a single very slow call hardly moves.

Outliers count as if they were three deviations out, so that an outage neither moves nor widens the
normal range much (P. Huber, "Robust estimation of a location parameter", 1964).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.series import Quantity, Scale

MIN_DURATION: Final = 1e-6
"""Minimum duration in seconds whose logarithm is taken; shorter ones count as this."""

READY_AFTER: Final = 120.0
"""Seconds to learn before outliers are detected."""

_MAX_Z_SCORE: Final = 3.0
"""Maximum standard deviations at which a mean is learnt; further ones are clipped."""
_MIN_DEVIATION: Final = {
    Quantity.RATE: (0.1, 0.05),
    Quantity.ERRORS: (0.01, 0.0),
    Quantity.DURATION: (0.05, 0.0),
    Quantity.IN_FLIGHT: (0.1, 0.05),
}
"""Minimum standard deviation: a number, and a share of the mean. Less variation is chance."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One quantity of the last ten seconds compared with normal.

    Attributes:
        value: Mean over the last ten seconds; geometric for durations.
        normal: Normal value of that mean.
        z_score: Standard deviations above normal; negative below it.
    """

    value: float
    normal: float
    z_score: float

    @property
    def ratio(self) -> float:
        """Return `value` as a multiple of `normal`; infinite if only `normal` is 0."""
        if self.normal > 0:
            return self.value / self.normal
        return float("inf") if self.value > 0 else 1.0


class OutlierModel:
    """Normal range of the ten-second means, for each quantity. Not thread-safe."""

    __slots__ = ("levels", "log_duration")

    def __init__(self) -> None:
        self.levels = {quantity: Moments() for quantity in Quantity}
        """Moments of the means on the one-day scale; logarithms for durations."""
        self.log_duration = Moments()
        """Moments of the logarithms of durations over the last ten seconds."""

    @property
    def learned_seconds(self) -> float:
        """Return the seconds learnt, decayed."""
        return self.levels[Quantity.RATE].weight

    def decay(self, elapsed: float, *, learning_rate: float) -> None:
        """Let `elapsed` seconds pass; on the one-day scale, `learning_rate` times as many."""
        factor = Scale.DAY.decay(elapsed * learning_rate)
        for level in self.levels.values():
            level.decay(elapsed, factor)
        self.log_duration.decay(elapsed, Scale.SECONDS.decay(elapsed))

    def observe(self, ended: int, durations: Sequence[float]) -> None:
        """Add the durations in seconds of a sample of the `ended` calls."""
        if durations:
            logarithms = [log(max(MIN_DURATION, seconds)) for seconds in durations]
            self.log_duration.add(ended, sum(logarithms) / len(logarithms))

    def learn(self, seconds: float, means: dict[Quantity, float]) -> None:
        """Learn the present means as normal, with a weight of `seconds`."""
        known = self.learned_seconds >= READY_AFTER
        for quantity, level in self.levels.items():
            present = self._present(quantity, means)
            if known:
                room = _MAX_Z_SCORE * self._standard_deviation(quantity)
                present = min(level.mean + room, max(level.mean - room, present))
            level.add(seconds, present)

    def deviation(self, quantity: Quantity, means: dict[Quantity, float]) -> Deviation:
        """Return how far the present mean of `quantity` is from normal."""
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
