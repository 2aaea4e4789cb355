"""What is normal for the calls of one breaker, learnt from batches of them."""

from collections import Counter
from math import isfinite
from typing import Final

from breakerd.breaker.baseline.bucket import TimeBucket
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.outlier import Deviation, OutlierModel
from breakerd.breaker.baseline.series import LAYOUTS, Quantity, Scale, Series, Statistics
from breakerd.breaker.calls.totals import CallDelta

BUCKET_SECONDS: Final = 1.0
"""Seconds that are put together before they count."""

IDLE_BUCKET_SECONDS: Final = 5.0
"""The same while nothing goes on, so that a thousand idle breakers cost little."""

MAX_GAP: Final = 600.0
"""Seconds without a look that count as time without calls at most. A longer gap is a host that was
suspended, or a clock that was set."""

CONFIDENT_AFTER: Final = 60.0
"""Seconds that must have been learnt before anything is sure."""

_TARGET_ERROR: Final = 0.05
"""Relative standard error of the mean duration that is good enough."""
_MIN_VARIATION: Final = 0.5
"""Deviation by mean that is assumed at least: the first calls may be alike by chance."""


class Baseline:
    """Requests per second, error rate, duration and calls in flight, over 10 s, 5 min and 1 day.

    About 30 kB, however many calls there are and however long it runs. Pure: `now` is passed in, in
    seconds of any clock. Not thread-safe: the breaker's lock guards it.

    A clock that goes back costs the time until it is where it was; one that jumps ahead counts as
    ten minutes without calls.
    """

    __slots__ = ("_bucket", "_last", "_series", "observed_failure_rate", "outlier_model")

    def __init__(self) -> None:
        self._series = {(q, s): Series(q) for s in Scale for q in Quantity}
        self._bucket = TimeBucket()
        self._last: float | None = None
        self.outlier_model = OutlierModel()
        """What the 10 s means usually are."""
        self.observed_failure_rate = Moments()
        """Share of calls reported as failed, over a day: trouble included, as callers met it."""

    def observe(self, now: float, batch: CallDelta, *, learning_rate: float = 1.0) -> bool:
        """Takes in what calls did since the last time; for a tick, not for each call.

        Args:
            now: seconds; any step of the clock is borne.
            batch: differences since the last batch.
            learning_rate: how fast the scale of a day learns, 0 to 1; less while degraded.

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
        self._bucket.add(batch)
        elapsed = now - self._last
        if elapsed < (IDLE_BUCKET_SECONDS if self._bucket.empty else BUCKET_SECONDS):
            return False
        slot, self._bucket, self._last = self._bucket, TimeBucket(), now
        self._apply(slot, min(elapsed, MAX_GAP), learning_rate)
        return True

    def statistics(self, quantity: Quantity, scale: Scale) -> Statistics:
        """What is known of `quantity` on `scale`, at the last observation."""
        return self._series[quantity, scale].statistics()

    def series(self, quantity: Quantity, scale: Scale) -> Series:
        """The series itself, for who wants its weight or other percentiles."""
        return self._series[quantity, scale]

    def deviation(self, quantity: Quantity) -> Deviation:
        """How far the last ten seconds are from normal."""
        means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
        return self.outlier_model.deviation(quantity, means)

    def confidence(self, now: float) -> float:
        """How far the baseline may be relied on: 0 not at all, 1 the estimate is good enough.

        The least of two shares: of a minute that was learnt, and of the calls that bring the
        standard error of the mean duration down to 5 %. What was learnt long ago counts less.
        """
        duration = self._series[Quantity.DURATION, Scale.DAY].moments
        idle = max(0.0, now - self._last) if self._last is not None else 0.0
        left = Scale.DAY.decay(min(idle, MAX_GAP))
        if not duration.weight or not duration.mean:
            return 0.0
        variation = max(_MIN_VARIATION, duration.deviation / duration.mean)
        enough = (variation / _TARGET_ERROR) ** 2
        seconds = self._series[Quantity.RATE, Scale.DAY].moments.weight
        return min(1.0, left * seconds / CONFIDENT_AFTER, left * duration.weight / enough)

    def age(self, seconds: float) -> None:
        """Lets time pass in which nobody looked: everything learnt counts less."""
        for (_, scale), series in self._series.items():
            series.decay(seconds, scale.decay(seconds))
        self.observed_failure_rate.decay(seconds, Scale.DAY.decay(seconds))
        self.outlier_model.decay(seconds, learning_rate=1.0)

    # --- taking in

    def _apply(self, slot: TimeBucket, elapsed: float, speed: float) -> None:
        buckets = Counter(map(LAYOUTS[Quantity.DURATION].index, slot.durations))
        for scale in Scale:
            pace = speed if scale is Scale.DAY else 1.0
            factor = scale.decay(elapsed * pace)
            for quantity in Quantity:
                self._series[quantity, scale].decay(elapsed, factor)
            # The integral of the fading weight over the slot.
            seconds = scale.time_constant * (1 - factor)
            if seconds > 0:
                self._add_levels(slot, scale, slot.requests / elapsed, seconds)
            if slot.ended and pace > 0:
                self._add_calls(slot, scale, buckets, pace)
        self.observed_failure_rate.decay(elapsed, Scale.DAY.decay(elapsed))
        if slot.ended:
            self.observed_failure_rate.add(slot.ended, slot.errors / slot.ended)
        self._update_outlier_model(slot, elapsed, speed)

    def _add_levels(self, slot: TimeBucket, scale: Scale, rate: float, seconds: float) -> None:
        """What has a value at every moment, weighted by time."""
        for quantity, value in ((Quantity.RATE, rate), (Quantity.IN_FLIGHT, slot.in_flight)):
            series = self._series[quantity, scale]
            series.moments.add(seconds, value)
            series.sketch.add_weight(LAYOUTS[quantity].index(value), seconds)

    def _add_calls(
        self, slot: TimeBucket, scale: Scale, buckets: Counter[int], pace: float
    ) -> None:
        """What only calls have, weighted by them."""
        weight = slot.ended * pace
        errors = self._series[Quantity.ERRORS, scale]
        errors.moments.add(weight, slot.failure_rate)
        errors.sketch.add_weight(LAYOUTS[Quantity.ERRORS].index(slot.failure_rate), weight)
        durations = self._series[Quantity.DURATION, scale]
        durations.moments.add(weight, slot.mean_duration, slot.sum_of_squares * pace)
        for index, count in buckets.items():
            durations.sketch.add_weight(index, weight * count / len(slot.durations))

    def _update_outlier_model(self, slot: TimeBucket, elapsed: float, speed: float) -> None:
        self.outlier_model.decay(elapsed, learning_rate=speed)
        self.outlier_model.observe(slot.ended, slot.durations)
        seconds = Scale.DAY.time_constant * (1 - Scale.DAY.decay(elapsed * speed))
        # Before it is filled, the mean of ten seconds varies more than it does later.
        filled = self._series[Quantity.RATE, Scale.MINUTES].moments.weight >= Scale.SECONDS.value
        if seconds > 0 and filled and self.outlier_model.log_duration.weight:
            means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
            self.outlier_model.learn(seconds, means)
