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

from breakerd.breaker.calls.admission_history import Admissions
from breakerd.breaker.limiter.ewma import TimedAverage
from breakerd.breaker.limiter.reference import Normal
from breakerd.breaker.limiter.sample import Sample
from breakerd.breaker.limiter.trial import Arm

_USEFUL_WAIT: Final = 0.7
"""Share of the time-out that a call may take: the rest is for the slower ones."""
_SLOW: Final = 0.25
"""Share of the time-out from which on latency may mean a queue, if it is not normal ..."""
_ABNORMAL: Final = 1.5
"""... which it is from so many times the learnt latency on, ..."""
_LATE: Final = 0.6
"""... and whatever was learnt from this share of the time-out on; or a call under way this long."""
_FEW: Final = 3
"""So few calls at once are no queue."""
_FALLEN: Final = 0.9
"""Below this share of its peak, throughput has fallen."""
_SMALLER: Final = 0.7
"""The knee is tried if it is below this share of the limit."""
_BORNE: Final = 2.0
"""Up to so many times the normal latency, the knee is borne well."""
_CLEARLY: Final = 1.7
"""Standard deviations by which a trial must win; one it loses by ends it."""
_NORMAL_LATENCY: Final = (1.1, 1.3)
"""Times the learnt latency between which a crowded limit stays."""
_NO_QUICKER: Final = 0.9
"""From this share of the latency before on, the knee is no quicker: there is no queue."""
_SLOWER: Final = 1.3
"""Where slow calls become this much slower yet, they queue as well."""
_WIDER: Final = 1.3
"""Factor by which a limit of slow calls is widened, for a try ..."""
_WIDER_LATENCY: Final = 1.15
"""... which fails if latency rises by half as much, or less succeeds."""
_STEP: Final = 1.1
"""Factor by which a crowded limit moves."""
_TRIAL_CALLS: Final = 150
"""After so many calls a trial that has not won has lost."""


class Phase(StrEnum):
    """What the limit is led by."""

    FREE = "free"
    """There is no limit."""
    QUEUEING = "queueing"
    """Little's law."""
    TRIAL = "trial"
    """The knee is tried."""
    CROWDED = "crowded"
    """Latency."""
    SLOW = "slow"
    """What more calls at once bring."""
    STARTING = "starting"
    """What succeeds."""


class ConcurrencyLimiter:
    """The limit of one breaker.

    Args:
        timeout: seconds after which an answer is of no use.
        least: the limit never goes below; at least 1.
        most: nor above this, if given; then there is always a limit.
    """

    def __init__(self, timeout: float, *, least: int = 1, most: int | None = None) -> None:
        self.timeout = timeout
        self._least, self._most = least, most if most is not None else inf
        self.phase = Phase.FREE
        self.normal = Normal(horizon=2.2 * timeout)
        self.admissions = Admissions(span=2.2 * timeout)
        self._limit = inf
        self._throughput = TimedAverage(max(0.5, timeout / 2))
        self._steady_throughput = TimedAverage(max(1.5, 1.5 * timeout))
        self._latency = TimedAverage(timeout / 4)
        self._arm = Arm(inf)
        self._before = Arm(inf)
        """What the trial is compared with."""
        self._tried_since = 0.0
        self._next_trial = 0.0
        self._trial_gap = 0.0
        self._engaged_at = 0.0
        self._unneeded = 0.0
        """Seconds since the limit last held anything back."""
        self._floor_share = 1.0
        self._crowded_from = 0.0
        self._slow_latency = inf
        self._widened = False

    @property
    def limit(self) -> float:
        """Calls at once; infinite if there is no limit."""
        return min(self._most, max(self._least, self._limit))

    @property
    def shedding(self) -> bool:
        """Whether calls may be held back because there are too many."""
        return self.phase not in {Phase.FREE, Phase.STARTING}

    @property
    def latency(self) -> float:
        """Mean duration of recent successes, in seconds."""
        return self._latency.mean

    @property
    def throughput(self) -> float:
        """Recent successes per second."""
        return self._throughput.mean

    def start(self) -> None:
        """Begins small, after an outage."""
        self._engage(Phase.STARTING, max(2.0, self.normal.in_flight / 2), 0.0)

    def release(self) -> None:
        """Takes the limit away."""
        self.phase, self._limit = Phase.FREE, inf

    def watch(self, now: float, sample: Sample) -> None:
        """Takes in what happened while something else decides; the limit stays."""
        self._throughput.add(sample.throughput, sample.seconds)
        self._steady_throughput.add(sample.throughput, sample.seconds)
        if sample.successes:
            self._latency.add(sample.success_seconds / sample.successes, sample.seconds)
        self.admissions.add(now, sample.admitted)
        self.normal.watch(now, sample)

    def advance(self, now: float, sample: Sample) -> None:
        """Takes in what happened since the last sample, and sets the limit for the next."""
        self.watch(now, sample)
        if self._throughput.weight > _KNOWN:
            self.normal.reach(self.throughput, sample.seconds)
        troubled = self._troubled(now, sample)
        if self.phase is Phase.FREE:
            if troubled and sample.in_flight > max(_FEW, self._bearable_at_best):
                self._engage(Phase.QUEUEING, self._bearable, now)
            elif not troubled:
                self.normal.learn(sample)
            return
        needed = sample.rejected > 0 or sample.in_flight >= self.limit - 1
        self._unneeded = 0.0 if needed else self._unneeded + sample.seconds
        if self.phase is Phase.STARTING:
            self._grow(sample, troubled=troubled)
        elif needed:
            self._steer(now, sample)
        elif self.phase is Phase.TRIAL and self._unneeded > 1:
            self._end_trial(now)
        if self._unneeded > max(2.0, self.timeout) and not troubled:
            self.release()

    # --- what is the matter?

    def _troubled(self, now: float, sample: Sample) -> bool:
        """Whether calls take suspiciously long; those that have not ended count too."""
        late = _LATE * self.timeout
        if self.admissions.older(now - late, sample.in_flight, sample.admitted) > 0:
            return True
        abnormal = _ABNORMAL * self.normal.latency if self.normal.learnt else late
        return self.latency > max(_SLOW * self.timeout, min(late, abnormal))

    @property
    def _bearable(self) -> float:
        """As many calls at once as are answered in good time, by Little's law."""
        return _USEFUL_WAIT * self.timeout * self.throughput

    @property
    def _bearable_at_best(self) -> float:
        """The same by the better of two throughputs, so that a short pause is not an overload."""
        steady = self._steady_throughput.mean
        return _USEFUL_WAIT * self.timeout * max(self.throughput, steady)

    # --- what to do about it?

    def _engage(self, phase: Phase, limit: float, now: float) -> None:
        self.phase = phase
        self._limit = max(2.0, limit) if phase is Phase.STARTING else max(2.0, limit, self._knee)
        self._unneeded = self._trial_gap = 0.0
        self._floor_share = 1.0
        self._widened = False
        self._engaged_at = self._next_trial = now
        self._watch_limit(now + self.timeout + self.latency)

    def _grow(self, sample: Sample, *, troubled: bool) -> None:
        """Two more for each success, up to what is known to be borne."""
        reachable = max(self._bearable, self.normal.knee, self._limit)
        self._limit = min(self._limit + 2 * sample.successes, reachable)
        if troubled and sample.in_flight > self._bearable:
            self.phase = Phase.QUEUEING
            self._limit = max(self._bearable, self.normal.knee / 4)
            self._watch_limit()

    def _steer(self, now: float, sample: Sample) -> None:
        if self.phase is Phase.QUEUEING and now - self._engaged_at > self.latency:
            self._limit = self._arm.limit = max(1.0, self._bearable, self._knee)
        self._arm.add(now, sample, settle=min(1.5 * self.latency, self.timeout))
        if not self._arm.measured:
            return
        if self.phase is Phase.TRIAL:
            self._judge_trial(now)
        elif self._arm.failures > 2 * self._arm.successes:
            self._back_off()
        elif self.phase is Phase.CROWDED:
            self._follow_latency()
        elif self.phase is Phase.SLOW:
            self._widen(now)
        elif self._arm.calls >= _ENOUGH and now >= self._next_trial and self._suspects_crowding():
            self._begin_trial(now)

    @property
    def _knee(self) -> float:
        return self.normal.knee * self._floor_share

    def _back_off(self) -> None:
        """Most calls fail: halves whatever holds the limit up."""
        self._floor_share /= 2
        if self.phase in {Phase.CROWDED, Phase.SLOW}:
            self._limit, self._widened = max(1.0, self._limit / 2), False
        self._watch_limit()

    def _watch_limit(self, begin: float | None = None) -> None:
        self._arm = Arm(self._limit, begin, memory=_ARM_MEMORY)

    def _widen(self, now: float) -> None:
        """Lets more slow calls run at once, for as long as more succeed for it."""
        arm, before = self._arm, self._before
        if self.latency > _SLOWER * self._slow_latency:
            self.phase = Phase.QUEUEING
        elif self._widened:
            if arm.gain < before.gain or arm.latency > _WIDER_LATENCY * before.latency:
                self._limit, self._widened = before.limit, False
                self._next_trial = now + 4 * self.timeout
                self._watch_limit()
                return
            self._begin_wider()
        elif arm.calls >= _ENOUGH and now >= self._next_trial:
            self._begin_wider()

    def _begin_wider(self) -> None:
        self._before, self._widened = self._arm, True
        self._limit = max(self._limit + 1, self._limit * _WIDER)
        self._arm = Arm(self._limit)

    # --- is the load itself the trouble?

    def _suspects_crowding(self) -> bool:
        fallen = self.throughput < _FALLEN * self.normal.peak
        # Without better times to compare with, there is no knee to go to.
        known = self.normal.learnt and self.normal.knee < _SMALLER * self._limit
        return fallen and known

    def _begin_trial(self, now: float) -> None:
        self.phase = Phase.TRIAL
        self._before, self._tried_since = self._arm, now
        self._limit = max(1.0, self.normal.knee)
        self._arm = Arm(self._limit)

    def _judge_trial(self, now: float) -> None:
        before, arm = self._before, self._arm
        deviations = arm.better_by(before.gain, before.seconds)
        borne = arm.latency < _BORNE * self.normal.latency
        if borne and deviations > _CLEARLY and arm.gain > 1.03 * before.gain:
            self._settle_crowded()
            return
        waited = now - self._tried_since
        hopeless = deviations < -1 or (not borne and waited > self.timeout)
        if hopeless or arm.calls > _TRIAL_CALLS or waited > 2 * self.timeout:
            self._end_trial(now)
            if not borne and arm.latency > _NO_QUICKER * before.latency:
                self.phase, self._widened = Phase.SLOW, False
                self._slow_latency, self._next_trial = arm.latency, now

    def _end_trial(self, now: float) -> None:
        """The knee is no better: back, and not again for a while."""
        self.phase, self._limit = Phase.QUEUEING, self._before.limit
        self._trial_gap = min(64 * self.timeout, max(8 * self.timeout, 2 * self._trial_gap))
        self._next_trial = now + self._trial_gap
        # Throughput fell for another reason: what it was is no measure any more.
        self.normal.peak = 0.0
        self._watch_limit()

    def _settle_crowded(self) -> None:
        """Begins where latency would be normal, on the line through both measurements."""
        before, arm = self._before, self._arm
        slope = (before.latency - arm.latency) / (before.limit - arm.limit)
        limit = arm.limit
        if slope > 0:
            excess = (arm.latency - _NORMAL_LATENCY[0] * self.normal.latency) / slope
            limit = min(limit, max(limit / 2, limit - excess))
        self.phase, self._limit, self._crowded_from = Phase.CROWDED, limit, limit
        self._watch_limit()

    def _follow_latency(self) -> None:
        if self._arm.calls < _STEP_CALLS:
            return
        low, high = (times * self.normal.latency for times in _NORMAL_LATENCY)
        if self._arm.latency < low:
            self._limit *= _STEP
        elif self._arm.latency > high:
            self._limit = max(1.0, self._limit / _STEP)
        if self._limit < 0.4 * self._crowded_from:
            # Fewer calls do not make them quicker: the load is not the trouble after all.
            self.phase = Phase.QUEUEING
        self._watch_limit()


_KNOWN: Final = 0.6
"""Weight from which on the throughput is relied upon."""
_ARM_MEMORY: Final = 4.0
"""Seconds over which a limit in force is measured."""
_ENOUGH: Final = 30
"""Calls that speak for a limit before another is tried."""
_STEP_CALLS: Final = 20
"""Calls between two steps of a crowded limit."""
