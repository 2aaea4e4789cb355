"""Adaptive concurrency limit: it appears when calls queue, and is lifted when they no longer do.

While calls are answered well within the timeout there is no limit (*unlimited*). A limit is set
when new calls would wait for a large part of the timeout and the calls in flight confirm it:

- *Queueing.* By Little's law (1961), L concurrent calls wait L / throughput. The limit is therefore
  the throughput times a share of the timeout. It is never below the knee, the highest recent
  concurrency with normal latency: otherwise it would spiral down where each call is slow by itself.
- *Trial.* If throughput has fallen although more calls are in flight, the knee is tried as the
  limit. If that serves clearly more calls at about normal latency, the load was the cause.
- *Congested.* Then latency controls the limit: up while it is normal, down while it is not, as in
  TCP Vegas (Brakmo and Peterson 1995). In other phases that rule mistakes variation for a queue.
- *Slow dependency.* If latency at the knee is as bad as before, calls are slow by themselves and
  there is no queue to shorten: the limit is widened as long as that makes calls no slower.
- *Slow start.* After an outage the limit grows with each success, as in TCP (Jacobson 1988),
  because caches are cold.

Pure: `now` is passed in, in seconds of the breaker's clock. Not thread-safe.
"""

from enum import StrEnum
from math import inf
from typing import Final

from breakerd.breaker.calls.admission_history import AdmissionHistory
from breakerd.breaker.limiter.completions import Completions
from breakerd.breaker.limiter.ewma import Ewma
from breakerd.breaker.limiter.limit_trial import LimitTrial
from breakerd.breaker.limiter.reference import ReferenceLatency
from breakerd.breaker.limiter.sample import Sample

_MAX_WAIT: Final = 0.7
"""Share of the timeout that a mean call may take; the rest is room for slower ones."""
_SUSPICIOUS_LATENCY: Final = 0.25
"""Minimum latency, as a share of the timeout, that may indicate a queue."""
_ABNORMAL_RATIO: Final = 1.5
"""Multiple of the normal latency above which latency is abnormal."""
_LATE_LATENCY: Final = 0.6
"""Share of the timeout above which latency, or the age of a call in flight, is always abnormal."""
_MAX_UNQUEUED: Final = 3
"""Maximum number of concurrent calls that are never a queue."""
_THROUGHPUT_DROP: Final = 0.9
"""Share of the peak throughput below which throughput has fallen."""
_MAX_KNEE_RATIO: Final = 0.7
"""Maximum knee, as a share of the limit, for a trial."""
_MAX_TRIAL_LATENCY_RATIO: Final = 2.0
"""Multiple of the normal latency that a winning trial may have."""
_WINNING_Z_SCORE: Final = 1.7
"""Standard deviations by which a trial must win; losing by one ends it."""
_STEADY_LATENCY_RATIOS: Final = (1.1, 1.3)
"""Multiples of the normal latency between which a congested limit stays."""
_SAME_LATENCY_RATIO: Final = 0.9
"""Share of the previous latency from which the knee is no faster: there is no queue."""
_QUEUEING_LATENCY_RATIO: Final = 1.3
"""Factor of slowing above which calls of a slow dependency queue as well."""
_WIDENING_FACTOR: Final = 1.3
"""Factor by which the limit of a slow dependency is widened."""
_MAX_WIDENED_LATENCY_RATIO: Final = 1.15
"""Factor of latency above which a widened limit fails; it also fails if less succeeds."""
_STEP_FACTOR: Final = 1.1
"""Factor by which a congested limit moves."""
_MAX_TRIAL_CALLS: Final = 150
"""Maximum number of calls until a trial that has not won is lost."""


class LimiterPhase(StrEnum):
    """Phase of the limiter: what determines the limit."""

    UNLIMITED = "unlimited"
    """There is no limit."""
    QUEUEING = "queueing"
    """Throughput determines the limit, by Little's law."""
    TRIAL = "trial"
    """The knee is tried as the limit."""
    CONGESTED = "congested"
    """Latency determines the limit."""
    SLOW_DEPENDENCY = "slow_dependency"
    """The limit widens as long as calls become no slower."""
    SLOW_START = "slow_start"
    """The limit grows with each success after an outage."""


class ConcurrencyLimiter:
    """Adaptive concurrency limit of one breaker.

    Args:
        timeout: Seconds after which a response is useless.
        min_limit: Lower bound of the limit, at least 1.
        max_limit: Upper bound; if given, there is always a limit.
    """

    def __init__(self, timeout: float, *, min_limit: int = 1, max_limit: int | None = None) -> None:
        self.timeout = timeout
        self._min_limit, self._max_limit = min_limit, max_limit if max_limit is not None else inf
        self.phase = LimiterPhase.UNLIMITED
        self.reference = ReferenceLatency(horizon=2.2 * timeout)
        self.admissions = AdmissionHistory(span=2.2 * timeout)
        self._limit = inf
        self._completions = Completions(timeout)
        self._latency = Ewma(timeout / 4)
        self._trial = LimitTrial(inf)
        self._previous_trial = LimitTrial(inf)
        """Measurement that the current one is compared with."""
        self._trial_started_at = 0.0
        self._next_trial = 0.0
        self._trial_gap = 0.0
        self._activated_at = 0.0
        self._idle_seconds = 0.0
        """Seconds since the limit last held a call back."""
        self._floor_share = 1.0
        self._congestion_limit = 0.0
        self._slow_latency = inf
        self._widened = False

    @property
    def limit(self) -> float:
        """Return the maximum number of concurrent calls; infinite if there is no limit."""
        return min(self._max_limit, max(self._min_limit, self._limit))

    @property
    def is_shedding(self) -> bool:
        """True if calls may be rejected because too many are in flight."""
        return self.phase not in {LimiterPhase.UNLIMITED, LimiterPhase.SLOW_START}

    @property
    def latency(self) -> float:
        """Return the mean duration of recent successes in seconds."""
        return self._latency.mean

    @property
    def throughput(self) -> float:
        """Return the recent successes per second."""
        return self._completions.recent

    def start_slow(self, share: float = 1.0, usual: float | None = None) -> None:
        """Set a small limit after an outage: half of the usual concurrency, times `share`."""
        usual = self.reference.in_flight if usual is None else usual
        self._activate(LimiterPhase.SLOW_START, share * usual / 2, 0.0)

    def release(self) -> None:
        """Remove the limit."""
        self.phase, self._limit = LimiterPhase.UNLIMITED, inf

    def observe(self, now: float, sample: Sample) -> None:
        """Add a sample without changing the limit, while another part decides."""
        self._completions.add(sample)
        if sample.successes:
            self._latency.add(sample.success_seconds / sample.successes, sample.seconds)
        self.admissions.add(now, sample.admitted)
        self.reference.observe(now, sample)

    def advance(self, now: float, sample: Sample) -> None:
        """Add a sample and update the limit."""
        self.observe(now, sample)
        if self._completions.weight > _RELIABLE_WEIGHT:
            self.reference.record_throughput(self.throughput, sample.seconds)
        troubled = self._is_queueing(now, sample)
        if self.phase is LimiterPhase.UNLIMITED:
            if troubled and sample.in_flight > self._enough_to_queue:
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

    # --- detection

    def _is_queueing(self, now: float, sample: Sample) -> bool:
        """True if calls, those in flight included, take suspiciously long."""
        late = _LATE_LATENCY * self.timeout
        if self._completions.pause_is_usual:
            return False
        if self.admissions.older_than(now - late, sample.in_flight, sample.admitted) > 0:
            return True
        abnormal = _ABNORMAL_RATIO * self.reference.latency if self.reference.ready else late
        return self.latency > max(_SUSPICIOUS_LATENCY * self.timeout, min(late, abnormal))

    @property
    def _sustainable_concurrency(self) -> float:
        """Return the concurrency that is answered in good time, by Little's law."""
        return _MAX_WAIT * self.timeout * self.throughput

    @property
    def _enough_to_queue(self) -> float:
        """Return the calls in flight above which some queue: a short pause is no overload."""
        if self._completions.paused:
            return _MAX_UNQUEUED
        best = max(self.throughput, self._completions.steady)
        return max(_MAX_UNQUEUED, _MAX_WAIT * self.timeout * best)

    # --- control

    def _activate(self, phase: LimiterPhase, limit: float, now: float) -> None:
        self.phase = phase
        self._limit = (
            max(2.0, limit) if phase is LimiterPhase.SLOW_START else max(2.0, limit, self._knee)
        )
        self._idle_seconds = self._trial_gap = 0.0
        self._floor_share = 1.0
        self._activated_at = self._next_trial = now
        self._measure_limit(now + self.timeout + self.latency)

    def _grow_after_outage(self, sample: Sample, *, troubled: bool) -> None:
        """Raise the limit by two for each success, up to the sustainable concurrency."""
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
        """Halve the lower bound of the limit: most calls fail."""
        self._floor_share /= 2
        if self.phase in {LimiterPhase.CONGESTED, LimiterPhase.SLOW_DEPENDENCY}:
            self._limit, self._widened = max(1.0, self._limit / 2), False
        self._measure_limit()

    def _measure_limit(self, begin: float | None = None) -> None:
        self._trial = LimitTrial(self._limit, begin, memory=_TRIAL_MEMORY)

    def _widen(self, now: float) -> None:
        """Widen the limit of slow calls as long as more of them succeed."""
        trial, before = self._trial, self._previous_trial
        if self.latency > _QUEUEING_LATENCY_RATIO * self._slow_latency:
            self.phase = LimiterPhase.QUEUEING
        elif self._widened:
            if (
                trial.goodput < before.goodput
                or trial.latency > _MAX_WIDENED_LATENCY_RATIO * before.latency
            ):
                self._limit, self._widened = before.limit, False
                self._next_trial = now + 4 * self.timeout
                self._measure_limit()
                return
            self._try_wider_limit()
        elif trial.calls >= _MIN_CALLS and now >= self._next_trial:
            self._try_wider_limit()

    def _try_wider_limit(self) -> None:
        self._previous_trial, self._widened = self._trial, True
        self._limit = max(self._limit + 1, self._limit * _WIDENING_FACTOR)
        self._trial = LimitTrial(self._limit)

    # --- congestion

    def _suspects_congestion(self) -> bool:
        fallen = self.throughput < _THROUGHPUT_DROP * self.reference.peak
        # Without a reference there is no knee to try.
        known = self.reference.ready and self.reference.knee < _MAX_KNEE_RATIO * self._limit
        return fallen and known

    def _begin_trial(self, now: float) -> None:
        self.phase = LimiterPhase.TRIAL
        self._previous_trial, self._trial_started_at = self._trial, now
        self._limit = max(1.0, self.reference.knee)
        self._trial = LimitTrial(self._limit)

    def _judge_trial(self, now: float) -> None:
        before, trial = self._previous_trial, self._trial
        deviations = trial.z_score(before.goodput, before.seconds)
        near_normal = trial.latency < _MAX_TRIAL_LATENCY_RATIO * self.reference.latency
        if near_normal and deviations > _WINNING_Z_SCORE and trial.goodput > 1.03 * before.goodput:
            self._enter_congestion_control()
            return
        waited = now - self._trial_started_at
        lost = deviations < -1 or (not near_normal and waited > self.timeout)
        if lost or trial.calls > _MAX_TRIAL_CALLS or waited > 2 * self.timeout:
            self._end_trial(now)
            if not near_normal and trial.latency > _SAME_LATENCY_RATIO * before.latency:
                self.phase, self._widened = LimiterPhase.SLOW_DEPENDENCY, False
                self._slow_latency, self._next_trial = trial.latency, now

    def _end_trial(self, now: float) -> None:
        """Return to the previous limit, and delay the next trial: the knee was no better."""
        self.phase, self._limit = LimiterPhase.QUEUEING, self._previous_trial.limit
        self._trial_gap = min(64 * self.timeout, max(8 * self.timeout, 2 * self._trial_gap))
        self._next_trial = now + self._trial_gap
        # Throughput fell for another reason, so its old peak is no reference any more.
        self.reference.peak = 0.0
        self._measure_limit()

    def _enter_congestion_control(self) -> None:
        """Start at the limit with normal latency, on the line through both measurements."""
        before, trial = self._previous_trial, self._trial
        slope = (before.latency - trial.latency) / (before.limit - trial.limit)
        limit = trial.limit
        if slope > 0:
            excess = (trial.latency - _STEADY_LATENCY_RATIOS[0] * self.reference.latency) / slope
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
            # Fewer calls are no faster: the load is not the cause after all.
            self.phase = LimiterPhase.QUEUEING
        self._measure_limit()


_RELIABLE_WEIGHT: Final = 0.6
"""Minimum weight of the throughput to be used."""
_TRIAL_MEMORY: Final = 4.0
"""Seconds over which the measurements of the current limit decay."""
_MIN_CALLS: Final = 30
"""Minimum number of calls at a limit before another is tried."""
_CALLS_PER_STEP: Final = 20
"""Number of calls between two steps of a congested limit."""
