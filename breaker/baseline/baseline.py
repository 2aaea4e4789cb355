"""What is normal for the calls of one breaker, learnt from batches of them."""

from collections import Counter
from math import isfinite
from typing import Final

from breakerd.breaker.baseline.bucket import Slot
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.outlier import Departure, Normal
from breakerd.breaker.baseline.series import BUCKETS, Quantity, Scale, Series, Statistics
from breakerd.breaker.calls.totals import Batch

SLOT: Final = 1.0
"""Seconds that are put together before they count."""

EMPTY_SLOT: Final = 5.0
"""The same while nothing goes on, so that a thousand idle breakers cost little."""

LONGEST_GAP: Final = 600.0
"""Seconds without a look that count as time without calls at most. A longer gap is a host that was
suspended, or a clock that was set."""

CONFIDENT_AFTER: Final = 60.0
"""Seconds that must have been learnt before anything is sure."""

_PRECISE: Final = 0.05
"""Relative standard error of the mean duration that is good enough."""
_LEAST_VARIATION: Final = 0.5
"""Deviation by mean that is assumed at least: the first calls may be alike by chance."""


class Baseline:
    """Requests per second, error rate, duration and calls in flight, over 10 s, 5 min and 1 day.

    About 30 kB, however many calls there are and however long it runs. Pure: `now` is passed in, in
    seconds of any clock. Not thread-safe: the breaker's lock guards it.

    A clock that goes back costs the time until it is where it was; one that jumps ahead counts as
    ten minutes without calls.
    """

    __slots__ = ("_last", "_series", "_slot", "kept", "normal")

    def __init__(self) -> None:
        self._series = {(q, s): Series(q) for s in Scale for q in Quantity}
        self._slot = Slot()
        self._last: float | None = None
        self.normal = Normal()
        """What the 10 s means usually are."""
        self.kept = Moments()
        """Share of calls reported as failed, over a day: trouble included, as callers met it."""

    def observe(self, now: float, batch: Batch, *, speed: float = 1.0) -> bool:
        """Takes in what calls did since the last time; for a tick, not for each call.

        Args:
            now: seconds; any step of the clock is borne.
            batch: differences since the last batch.
            speed: how fast the scale of a day learns, 0 to 1: less while things are not normal.

        Returns:
            Whether a slot was completed, so that there is something new to judge.

        Raises:
            ValueError: a number is not finite; nothing was taken in.
        """
        if not (isfinite(now) and isfinite(batch.duration) and isfinite(sum(batch.durations))):
            raise ValueError(f"a baseline takes finite numbers only, not {now=}, {batch}")
        if self._last is None:
            # How long the first batch took to come together is not known.
            self._last = now
            return False
        self._last = min(self._last, now)
        self._slot.add(batch)
        elapsed = now - self._last
        if elapsed < (EMPTY_SLOT if self._slot.empty else SLOT):
            return False
        slot, self._slot, self._last = self._slot, Slot(), now
        self._take_in(slot, min(elapsed, LONGEST_GAP), speed)
        return True

    def statistics(self, quantity: Quantity, scale: Scale) -> Statistics:
        """What is known of `quantity` on `scale`, at the last observation."""
        return self._series[quantity, scale].statistics()

    def series(self, quantity: Quantity, scale: Scale) -> Series:
        """The series itself, for who wants its weight or other percentiles."""
        return self._series[quantity, scale]

    def departure(self, quantity: Quantity) -> Departure:
        """How far the last ten seconds are from normal."""
        means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
        return self.normal.departure(quantity, means)

    def confidence(self, now: float) -> float:
        """How far the baseline may be relied on: 0 not at all, 1 the estimate is good enough.

        The least of two shares: of a minute that was learnt, and of the calls that bring the
        standard error of the mean duration down to 5 %. What was learnt long ago counts less.
        """
        duration = self._series[Quantity.DURATION, Scale.DAY].moments
        idle = max(0.0, now - self._last) if self._last is not None else 0.0
        left = Scale.DAY.fading(min(idle, LONGEST_GAP))
        if not duration.weight or not duration.mean:
            return 0.0
        variation = max(_LEAST_VARIATION, duration.deviation / duration.mean)
        enough = (variation / _PRECISE) ** 2
        seconds = self._series[Quantity.RATE, Scale.DAY].moments.weight
        return min(1.0, left * seconds / CONFIDENT_AFTER, left * duration.weight / enough)

    def age(self, seconds: float) -> None:
        """Lets time pass in which nobody looked: everything learnt counts less."""
        for (_, scale), series in self._series.items():
            series.fade(seconds, scale.fading(seconds))
        self.kept.fade(seconds, Scale.DAY.fading(seconds))
        self.normal.fade(seconds, speed=1.0)

    # --- taking in

    def _take_in(self, slot: Slot, elapsed: float, speed: float) -> None:
        buckets = Counter(map(BUCKETS[Quantity.DURATION].index, slot.durations))
        for scale in Scale:
            pace = speed if scale is Scale.DAY else 1.0
            factor = scale.fading(elapsed * pace)
            for quantity in Quantity:
                self._series[quantity, scale].fade(elapsed, factor)
            # The integral of the fading weight over the slot.
            seconds = scale.constant * (1 - factor)
            if seconds > 0:
                self._add_levels(slot, scale, slot.requests / elapsed, seconds)
            if slot.ended and pace > 0:
                self._add_calls(slot, scale, buckets, pace)
        self.kept.fade(elapsed, Scale.DAY.fading(elapsed))
        if slot.ended:
            self.kept.add(slot.ended, slot.errors / slot.ended)
        self._learn_normal(slot, elapsed, speed)

    def _add_levels(self, slot: Slot, scale: Scale, rate: float, seconds: float) -> None:
        """What has a value at every moment, weighted by time."""
        for quantity, value in ((Quantity.RATE, rate), (Quantity.IN_FLIGHT, slot.in_flight)):
            series = self._series[quantity, scale]
            series.moments.add(seconds, value)
            series.histogram.add(BUCKETS[quantity].index(value), seconds)

    def _add_calls(self, slot: Slot, scale: Scale, buckets: Counter[int], pace: float) -> None:
        """What only calls have, weighted by them."""
        weight = slot.ended * pace
        errors = self._series[Quantity.ERRORS, scale]
        errors.moments.add(weight, slot.failure_share)
        errors.histogram.add(BUCKETS[Quantity.ERRORS].index(slot.failure_share), weight)
        durations = self._series[Quantity.DURATION, scale]
        durations.moments.add(weight, slot.mean_duration, slot.squares * pace)
        for index, count in buckets.items():
            durations.histogram.add(index, weight * count / len(slot.durations))

    def _learn_normal(self, slot: Slot, elapsed: float, speed: float) -> None:
        self.normal.fade(elapsed, speed=speed)
        self.normal.hear(slot.ended, slot.durations)
        seconds = Scale.DAY.constant * (1 - Scale.DAY.fading(elapsed * speed))
        # Before it is filled, the mean of ten seconds varies more than it does later.
        filled = self._series[Quantity.RATE, Scale.MINUTES].moments.weight >= Scale.SECONDS.value
        if seconds > 0 and filled and self.normal.logarithm.weight:
            means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
            self.normal.learn(seconds, means)
