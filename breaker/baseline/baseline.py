"""Baseline of one breaker, learnt from call deltas."""

from collections import Counter
from math import isfinite
from typing import Final

from breakerd.breaker.baseline.bucket import TimeBucket
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.outlier import Deviation, OutlierModel
from breakerd.breaker.baseline.series import LAYOUTS, Quantity, Scale, Series, Statistics
from breakerd.breaker.calls.totals import CallDelta

BUCKET_SECONDS: Final = 1.0
"""Seconds of calls that are added to the baseline at once."""

IDLE_BUCKET_SECONDS: Final = 5.0
"""The same while there are no calls, so that a thousand idle breakers cost little."""

MAX_GAP: Final = 600.0
"""Maximum seconds between two observations that count as time without calls. A longer gap means a
suspended host or a clock that was set."""

CONFIDENT_AFTER: Final = 60.0
"""Seconds to learn before the confidence can be 1."""

_TARGET_ERROR: Final = 0.05
"""Relative standard error of the mean duration at which the confidence can be 1."""
_MIN_VARIATION: Final = 0.5
"""Minimum ratio of deviation to mean to assume: the first calls may be alike by chance."""


class Baseline:
    """Requests per second, error rate, duration and calls in flight, over 10 s, 5 min and 1 day.

    Takes about 30 kB, however many calls there are and however long it runs. Pure: `now` is passed
    in, in seconds of any clock. Not thread-safe: the breaker's lock guards it.

    If the clock goes back, nothing is learnt until it has caught up; if it jumps ahead, at most ten
    minutes count as time without calls.
    """

    __slots__ = ("_bucket", "_last", "_series", "observed_failure_rate", "outlier_model")

    def __init__(self) -> None:
        self._series = {(q, s): Series(q) for s in Scale for q in Quantity}
        self._bucket = TimeBucket()
        self._last: float | None = None
        self.outlier_model = OutlierModel()
        """Normal range of the 10 s means."""
        self.observed_failure_rate = Moments()
        """Share of calls reported as failed over a day, outages included."""

    def observe(self, now: float, batch: CallDelta, *, learning_rate: float = 1.0) -> bool:
        """Add the calls since the last observation. Meant for a tick, not for each call.

        Args:
            now: Seconds; the clock may step in any direction.
            batch: Calls since the last observation.
            learning_rate: How fast the one-day scale learns, 0 to 1; lower while degraded.

        Returns:
            True if a time bucket was completed, so that there is something new to judge.

        Raises:
            ValueError: A number is not finite; nothing was added.
        """
        if not (isfinite(now) and isfinite(batch.duration) and isfinite(sum(batch.durations))):
            raise ValueError(f"a baseline takes finite numbers only, not {now=}, {batch}")
        if self._last is None:
            # The time that the first delta covers is not known.
            self._last = now
            return False
        self._last = min(self._last, now)
        self._bucket.add(batch)
        elapsed = now - self._last
        if elapsed < (IDLE_BUCKET_SECONDS if self._bucket.empty else BUCKET_SECONDS):
            return False
        bucket, self._bucket, self._last = self._bucket, TimeBucket(), now
        self._apply(bucket, min(elapsed, MAX_GAP), learning_rate)
        return True

    def statistics(self, quantity: Quantity, scale: Scale) -> Statistics:
        """Return the statistics of `quantity` on `scale` at the last observation."""
        return self._series[quantity, scale].statistics()

    def series(self, quantity: Quantity, scale: Scale) -> Series:
        """Return the series itself, for its weight or other percentiles."""
        return self._series[quantity, scale]

    def deviation(self, quantity: Quantity) -> Deviation:
        """Return how far the last ten seconds are from normal."""
        means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
        return self.outlier_model.deviation(quantity, means)

    def confidence(self, now: float) -> float:
        """Return the confidence in the baseline: 0 for none, 1 if the estimate is good enough.

        It is the smaller of two shares: of a minute of learning, and of the calls that bring the
        standard error of the mean duration down to 5 %. Old observations count less.
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
        """Let `seconds` pass without observations: everything learnt counts less."""
        for (_, scale), series in self._series.items():
            series.decay(seconds, scale.decay(seconds))
        self.observed_failure_rate.decay(seconds, Scale.DAY.decay(seconds))
        self.outlier_model.decay(seconds, learning_rate=1.0)

    # --- updates

    def _apply(self, bucket: TimeBucket, elapsed: float, learning_rate: float) -> None:
        buckets = Counter(map(LAYOUTS[Quantity.DURATION].index, bucket.durations))
        for scale in Scale:
            pace = learning_rate if scale is Scale.DAY else 1.0
            factor = scale.decay(elapsed * pace)
            for quantity in Quantity:
                self._series[quantity, scale].decay(elapsed, factor)
            # Integral of the decaying weight over the bucket.
            seconds = scale.time_constant * (1 - factor)
            if seconds > 0:
                self._add_levels(bucket, scale, bucket.requests / elapsed, seconds)
            if bucket.ended and pace > 0:
                self._add_calls(bucket, scale, buckets, pace)
        self.observed_failure_rate.decay(elapsed, Scale.DAY.decay(elapsed))
        if bucket.ended:
            self.observed_failure_rate.add(bucket.ended, bucket.errors / bucket.ended)
        self._update_outlier_model(bucket, elapsed, learning_rate)

    def _add_levels(self, bucket: TimeBucket, scale: Scale, rate: float, seconds: float) -> None:
        """Add the quantities that have a value at every moment, weighted by time."""
        for quantity, value in ((Quantity.RATE, rate), (Quantity.IN_FLIGHT, bucket.in_flight)):
            series = self._series[quantity, scale]
            series.moments.add(seconds, value)
            series.sketch.add_weight(LAYOUTS[quantity].index(value), seconds)

    def _add_calls(
        self, bucket: TimeBucket, scale: Scale, buckets: Counter[int], pace: float
    ) -> None:
        """Add the quantities that only calls have, weighted by calls."""
        weight = bucket.ended * pace
        errors = self._series[Quantity.ERRORS, scale]
        errors.moments.add(weight, bucket.failure_rate)
        errors.sketch.add_weight(LAYOUTS[Quantity.ERRORS].index(bucket.failure_rate), weight)
        durations = self._series[Quantity.DURATION, scale]
        durations.moments.add(weight, bucket.mean_duration, bucket.sum_of_squares * pace)
        for index, count in buckets.items():
            durations.sketch.add_weight(index, weight * count / len(bucket.durations))

    def _update_outlier_model(
        self, bucket: TimeBucket, elapsed: float, learning_rate: float
    ) -> None:
        self.outlier_model.decay(elapsed, learning_rate=learning_rate)
        self.outlier_model.observe(bucket.ended, bucket.durations)
        seconds = Scale.DAY.time_constant * (1 - Scale.DAY.decay(elapsed * learning_rate))
        # Until ten seconds have been seen, their mean varies more than it does later.
        filled = self._series[Quantity.RATE, Scale.MINUTES].moments.weight >= Scale.SECONDS.value
        if seconds > 0 and filled and self.outlier_model.log_duration.weight:
            means = {q: self._series[q, Scale.SECONDS].moments.mean for q in Quantity}
            self.outlier_model.learn(seconds, means)
