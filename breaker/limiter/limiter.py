"""A limit on the calls at once that needs no number: it appears when calls queue, and goes again.

While calls are answered well within the time-out there is no limit. When newcomers would wait for
a good part of the time-out, and the calls under way show it, there is one:

- *Queueing.* By Little's law (1961) L calls at once wait L / throughput. So the limit is the
  throughput times a share of the time-out; never less than the knee, the most calls at once that
  were lately borne well, or it would chase its own tail where each call is slow by itself.
- *Trial.* Where throughput has fallen although more calls are under way, the knee is tried. If
  that serves clearly more calls, with about normal latency, the load itself was the trouble.
- *Crowded.* Then latency steers the limit: up while it is normal, down while it is not, as in
  TCP Vegas (Brakmo and Peterson 1995). Elsewhere that rule takes ordinary variation for a queue.
- *Slow.* If latency at the knee is as bad as before, calls are slow by themselves, and there is no
  queue to shorten: the limit is widened for as long as that makes them no slower.
- *Starting.* After an outage it grows by what succeeds, as in TCP's slow start (Jacobson 1988),
  since caches are cold.

Pure: `now` is passed in, in seconds of the breaker's clock. Not thread-safe.
"""

from enum import StrEnum
from math import inf
from typing import Final

from breakerd.breaker.calls.admission_history import AdmissionHistory
from breakerd.breaker.limiter.ewma import Ewma
from breakerd.breaker.limiter.reference import ReferenceLatency
from breakerd.breaker.limiter.sample import Sample
from breakerd.breaker.limiter.trial import LimitTrial

_MAX_WAIT: Final = 0.7
"""Share of the time-out that a call may take: the rest is for the slower ones."""
_SUSPICIOUS_LATENCY: Final = 0.25
"""Share of the time-out from which on latency may mean a queue, if it is not normal ..."""
_ABNORMAL_RATIO: Final = 1.5
"""... which it is from so many times the learnt latency on, ..."""
_LATE_LATENCY: Final = 0.6
"""... and whatever was learnt from this share of the time-out on; or a call under way this long."""
_MIN_QUEUE: Final = 3
"""So few calls at once are no queue."""
_THROUGHPUT_DROP: Final = 0.9
"""Below this share of its peak, throughput has fallen."""
_MAX_KNEE_RATIO: Final = 0.7
"""The knee is tried if it is below this share of the limit."""
_MAX_TRIAL_LATENCY_RATIO: Final = 2.0
"""Up to so many times the normal latency, the knee is borne well."""
_WINNING_Z_SCORE: Final = 1.7
"""Standard deviations by which a trial must win; one it loses by ends it."""
_STEADY_LATENCY_RATIOS: Final = (1.1, 1.3)
"""Times the learnt latency between which a crowded limit stays."""
_SAME_LATENCY_RATIO: Final = 0.9
"""From this share of the latency before on, the knee is no quicker: there is no queue."""
_QUEUEING_LATENCY_RATIO: Final = 1.3
"""Where slow calls become this much slower yet, they queue as well."""
_WIDENING_FACTOR: Final = 1.3
"""Factor by which a limit of slow calls is widened, for a try ..."""
_MAX_WIDENED_LATENCY_RATIO: Final = 1.15
"""... which fails if latency rises by half as much, or less succeeds."""
_STEP_FACTOR: Final = 1.1
"""Factor by which a crowded limit moves."""
_MAX_TRIAL_CALLS: Final = 150
"""After so many calls a trial that has not won has lost."""


class LimiterPhase(StrEnum):
    """What the limit is led by."""

    UNLIMITED = "unlimited"
    """There is no limit."""
    QUEUEING = "queueing"
    """Little's law."""
    TRIAL = "trial"
    """The knee is tried."""
    CONGESTED = "congested"
    """Latency."""
    SLOW_DEPENDENCY = "slow_dependency"
    """What more calls at once bring."""
    SLOW_START = "slow_start"
    """What succeeds."""


class ConcurrencyLimiter:
    """The limit of one breaker.

    Args:
        timeout: seconds after which an answer is of no use.
        least: the limit never goes below; at least 1.
        most: nor above this, if given; then there is always a limit.
    """

    def __init__(self, timeout: float, *, min_limit: int = 1, max_limit: int | None = None) -> None:
        self.timeout = timeout
        self._min_limit, self._max_limit = min_limit, max_limit if max_limit is not None else inf
        self.phase = LimiterPhase.UNLIMITED
        self.reference = ReferenceLatency(horizon=2.2 * timeout)
        self.admissions = AdmissionHistory(span=2.2 * timeout)
        self._limit = inf
        self._throughput = Ewma(max(0.5, timeout / 2))
        self._steady_throughput = Ewma(max(1.5, 1.5 * timeout))
        self._latency = Ewma(timeout / 4)
        self._trial = LimitTrial(inf)
        self._previous_trial = LimitTrial(inf)
        """What the trial is compared with."""
        self._trial_started_at = 0.0
        self._next_trial = 0.0
        self._trial_gap = 0.0
        self._activated_at = 0.0
        self._idle_seconds = 0.0
        """Seconds since the limit last held anything back."""
        self._floor_share = 1.0
        self._congestion_limit = 0.0
        self._slow_latency = inf
        self._widened = False

    @property
    def limit(self) -> float:
        """Calls at once; infinite if there is no limit."""
        return min(self._max_limit, max(self._min_limit, self._limit))

    @property
    def is_shedding(self) -> bool:
        """Whether calls may be held back because there are too many."""
        return self.phase not in {LimiterPhase.UNLIMITED, LimiterPhase.SLOW_START}

    @property
    def latency(self) -> float:
        """Mean duration of recent successes, in seconds."""
        return self._latency.mean

    @property
    def throughput(self) -> float:
        """Recent successes per second."""
        return self._throughput.mean

    def start_slow(self) -> None:
        """Begins small, after an outage."""
        self._activate(LimiterPhase.SLOW_START, max(2.0, self.reference.in_flight / 2), 0.0)

    def release(self) -> None:
        """Takes the limit away."""
        self.phase, self._limit = LimiterPhase.UNLIMITED, inf

    def observe(self, now: float, sample: Sample) -> None:
        """Takes in what happened while something else decides; the limit stays."""
        self._throughput.add(sample.throughput, sample.seconds)
        self._steady_throughput.add(sample.throughput, sample.seconds)
        if sample.successes:
            self._latency.add(sample.success_seconds / sample.successes, sample.seconds)
        self.admissions.add(now, sample.admitted)
        self.reference.observe(now, sample)

    def advance(self, now: float, sample: Sample) -> None:
        """Takes in what happened since the last sample, and sets the limit for the next."""
        self.observe(now, sample)
        if self._throughput.weight > _RELIABLE_WEIGHT:
            self.reference.record_throughput(self.throughput, sample.seconds)
        troubled = self._is_queueing(now, sample)
        if self.phase is LimiterPhase.UNLIMITED:
            if troubled and sample.in_flight > max(_MIN_QUEUE, self._best_sustainable_concurrency):
                self._activate(LimiterPhase.QUEUEING, self._sustainable_concurrency, now)
            elif not troubled:
                self.reference.update(sample)
            return
        needed = sample.rejected > 0 or sample.in_flight >= self.limit - 1
        self._idle_seconds = 0.0 if needed else self._idle_seconds + sample.seconds
        if self.phase is LimiterPhase.SLOW_START:
            self._grow_after_outage(sample, troubled=troubled)
        elif needed:
            self._adjust(now, sample)
        elif self.phase is LimiterPhase.TRIAL and self._idle_seconds > 1:
            self._end_trial(now)
        if self._idle_seconds > max(2.0, self.timeout) and not troubled:
            self.release()

    # --- what is the matter?

    def _is_queueing(self, now: float, sample: Sample) -> bool:
        """Whether calls take suspiciously long; those that have not ended count too."""
        late = _LATE_LATENCY * self.timeout
        if self.admissions.older_than(now - late, sample.in_flight, sample.admitted) > 0:
            return True
        abnormal = _ABNORMAL_RATIO * self.reference.latency if self.reference.ready else late
        return self.latency > max(_SUSPICIOUS_LATENCY * self.timeout, min(late, abnormal))

    @property
    def _sustainable_concurrency(self) -> float:
        """As many calls at once as are answered in good time, by Little's law."""
        return _MAX_WAIT * self.timeout * self.throughput

    @property
    def _best_sustainable_concurrency(self) -> float:
        """The same by the better of two throughputs, so that a short pause is not an overload."""
        steady = self._steady_throughput.mean
        return _MAX_WAIT * self.timeout * max(self.throughput, steady)

    # --- what to do about it?

    def _activate(self, phase: LimiterPhase, limit: float, now: float) -> None:
        self.phase = phase
        self._limit = (
            max(2.0, limit) if phase is LimiterPhase.SLOW_START else max(2.0, limit, self._knee)
        )
        self._idle_seconds = self._trial_gap = 0.0
        self._floor_share = 1.0
        self._widened = False
        self._activated_at = self._next_trial = now
        self._measure_limit(now + self.timeout + self.latency)

    def _grow_after_outage(self, sample: Sample, *, troubled: bool) -> None:
        """Two more for each success, up to what is known to be borne."""
        reachable = max(self._sustainable_concurrency, self.reference.knee, self._limit)
        self._limit = min(self._limit + 2 * sample.successes, reachable)
        if troubled and sample.in_flight > self._sustainable_concurrency:
            self.phase = LimiterPhase.QUEUEING
            self._limit = max(self._sustainable_concurrency, self.reference.knee / 4)
            self._measure_limit()

    def _adjust(self, now: float, sample: Sample) -> None:
        if self.phase is LimiterPhase.QUEUEING and now - self._activated_at > self.latency:
            self._limit = self._trial.limit = max(1.0, self._sustainable_concurrency, self._knee)
        self._trial.add(now, sample, settle=min(1.5 * self.latency, self.timeout))
        if not self._trial.ready:
            return
        if self.phase is LimiterPhase.TRIAL:
            self._judge_trial(now)
        elif self._trial.failures > 2 * self._trial.successes:
            self._back_off()
        elif self.phase is LimiterPhase.CONGESTED:
            self._adjust_to_latency()
        elif self.phase is LimiterPhase.SLOW_DEPENDENCY:
            self._widen(now)
        elif (
            self._trial.calls >= _MIN_CALLS
            and now >= self._next_trial
            and self._suspects_congestion()
        ):
            self._begin_trial(now)

    @property
    def _knee(self) -> float:
        return self.reference.knee * self._floor_share

    def _back_off(self) -> None:
        """Most calls fail: halves whatever holds the limit up."""
        self._floor_share /= 2
        if self.phase in {LimiterPhase.CONGESTED, LimiterPhase.SLOW_DEPENDENCY}:
            self._limit, self._widened = max(1.0, self._limit / 2), False
        self._measure_limit()

    def _measure_limit(self, begin: float | None = None) -> None:
        self._trial = LimitTrial(self._limit, begin, memory=_TRIAL_MEMORY)

    def _widen(self, now: float) -> None:
        """Lets more slow calls run at once, for as long as more succeed for it."""
        arm, before = self._trial, self._previous_trial
        if self.latency > _QUEUEING_LATENCY_RATIO * self._slow_latency:
            self.phase = LimiterPhase.QUEUEING
        elif self._widened:
            if (
                arm.goodput < before.goodput
                or arm.latency > _MAX_WIDENED_LATENCY_RATIO * before.latency
            ):
                self._limit, self._widened = before.limit, False
                self._next_trial = now + 4 * self.timeout
                self._measure_limit()
                return
            self._try_wider_limit()
        elif arm.calls >= _MIN_CALLS and now >= self._next_trial:
            self._try_wider_limit()

    def _try_wider_limit(self) -> None:
        self._previous_trial, self._widened = self._trial, True
        self._limit = max(self._limit + 1, self._limit * _WIDENING_FACTOR)
        self._trial = LimitTrial(self._limit)

    # --- is the load itself the trouble?

    def _suspects_congestion(self) -> bool:
        fallen = self.throughput < _THROUGHPUT_DROP * self.reference.peak
        # Without better times to compare with, there is no knee to go to.
        known = self.reference.ready and self.reference.knee < _MAX_KNEE_RATIO * self._limit
        return fallen and known

    def _begin_trial(self, now: float) -> None:
        self.phase = LimiterPhase.TRIAL
        self._previous_trial, self._trial_started_at = self._trial, now
        self._limit = max(1.0, self.reference.knee)
        self._trial = LimitTrial(self._limit)

    def _judge_trial(self, now: float) -> None:
        before, arm = self._previous_trial, self._trial
        deviations = arm.z_score(before.goodput, before.seconds)
        borne = arm.latency < _MAX_TRIAL_LATENCY_RATIO * self.reference.latency
        if borne and deviations > _WINNING_Z_SCORE and arm.goodput > 1.03 * before.goodput:
            self._enter_congestion_control()
            return
        waited = now - self._trial_started_at
        hopeless = deviations < -1 or (not borne and waited > self.timeout)
        if hopeless or arm.calls > _MAX_TRIAL_CALLS or waited > 2 * self.timeout:
            self._end_trial(now)
            if not borne and arm.latency > _SAME_LATENCY_RATIO * before.latency:
                self.phase, self._widened = LimiterPhase.SLOW_DEPENDENCY, False
                self._slow_latency, self._next_trial = arm.latency, now

    def _end_trial(self, now: float) -> None:
        """The knee is no better: back, and not again for a while."""
        self.phase, self._limit = LimiterPhase.QUEUEING, self._previous_trial.limit
        self._trial_gap = min(64 * self.timeout, max(8 * self.timeout, 2 * self._trial_gap))
        self._next_trial = now + self._trial_gap
        # Throughput fell for another reason: what it was is no measure any more.
        self.reference.peak = 0.0
        self._measure_limit()

    def _enter_congestion_control(self) -> None:
        """Begins where latency would be normal, on the line through both measurements."""
        before, arm = self._previous_trial, self._trial
        slope = (before.latency - arm.latency) / (before.limit - arm.limit)
        limit = arm.limit
        if slope > 0:
            excess = (arm.latency - _STEADY_LATENCY_RATIOS[0] * self.reference.latency) / slope
            limit = min(limit, max(limit / 2, limit - excess))
        self.phase, self._limit, self._congestion_limit = LimiterPhase.CONGESTED, limit, limit
        self._measure_limit()

    def _adjust_to_latency(self) -> None:
        if self._trial.calls < _CALLS_PER_STEP:
            return
        low, high = (times * self.reference.latency for times in _STEADY_LATENCY_RATIOS)
        if self._trial.latency < low:
            self._limit *= _STEP_FACTOR
        elif self._trial.latency > high:
            self._limit = max(1.0, self._limit / _STEP_FACTOR)
        if self._limit < 0.4 * self._congestion_limit:
            # Fewer calls do not make them quicker: the load is not the trouble after all.
            self.phase = LimiterPhase.QUEUEING
        self._measure_limit()


_RELIABLE_WEIGHT: Final = 0.6
"""Weight from which on the throughput is relied upon."""
_TRIAL_MEMORY: Final = 4.0
"""Seconds over which a limit in force is measured."""
_MIN_CALLS: Final = 30
"""Calls that speak for a limit before another is tried."""
_CALLS_PER_STEP: Final = 20
"""Calls between two steps of a crowded limit."""
