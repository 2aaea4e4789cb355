"""Each phase of the limiter, from samples as a dependency would give them."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, exp, inf

import pytest

from breakerd.breaker.limiter import ConcurrencyLimiter, LimiterPhase
from breakerd.breaker.limiter.limit_trial import LimitTrial
from breakerd.breaker.limiter.sample import Sample

TIMEOUT = 2.0
SECONDS = 0.1
"""Length of a sample."""
RATE, LATENCY = 40, 0.1
"""Successes a second and their mean duration while all is well."""


class Traffic:
    """A limiter that gets a sample every tenth of a second."""

    def __init__(self, *, latency: float = LATENCY, min_limit: int = 1) -> None:
        self.limiter = ConcurrencyLimiter(TIMEOUT, min_limit=min_limit)
        self.now = 0.0
        self.admitted = self.ended = 0
        self.run(40, latency=latency, in_flight=4)
        assert self.phase is LimiterPhase.UNLIMITED
        assert self.limiter.reference.ready

    @property
    def phase(self) -> LimiterPhase:
        return self.limiter.phase

    def run(
        self,
        seconds: float,
        *,
        rate: float = RATE,
        latency: float = LATENCY,
        in_flight: float | None = None,
        failing: float = 0.0,
        rejected: int = 0,
        admits: bool = True,
    ) -> list[LimiterPhase]:
        """Return the phase after each sample; `in_flight` is as many as the limit by default."""
        phases = []
        for _ in range(round(seconds / SECONDS)):
            self.now += SECONDS
            successes = round(rate * SECONDS * (1 - failing))
            self.ended += round(rate * SECONDS)
            most = self.limiter.limit if in_flight is None else in_flight
            if admits:
                self.admitted = max(self.admitted, self.ended + round(most))
            sample = Sample(
                seconds=SECONDS,
                successes=successes,
                failures=round(rate * SECONDS) - successes,
                success_seconds=successes * latency,
                rejected=rejected,
                in_flight=round(most),
                admitted=self.admitted,
            )
            self.limiter.advance(self.now, sample)
            phases.append(self.limiter.phase)
        return phases

    def until(self, phase: LimiterPhase, seconds: float, **calls: float) -> float:
        """Run until the limiter is in `phase`; return after how many seconds."""
        for n in range(round(seconds / SECONDS)):
            if self.phase is phase:
                return n * SECONDS
            self.run(SECONDS, **calls)  # type: ignore[arg-type]  # numbers only
        pytest.fail(f"still {self.phase} after {seconds} s")


@pytest.fixture
def traffic() -> Traffic:
    """Forty calls a second of 0.1 s each, four at once, for 40 s."""
    return Traffic()


# --- unlimited


def test_many_calls_at_once_are_no_queue_while_they_are_fast(traffic: Traffic) -> None:
    assert set(traffic.run(5, rate=5000, in_flight=500)) == {LimiterPhase.UNLIMITED}
    assert traffic.limiter.limit == inf
    assert not traffic.limiter.is_shedding


@pytest.mark.parametrize(
    ("normal", "latency", "in_flight", "queues"),
    [
        (0.1, 0.48, 200, False),  # below a quarter of the time-out
        (0.1, 0.6, 50, False),  # fewer than are answered in 0.7 of the time-out: 56
        (0.1, 0.6, 60, True),
        (0.4, 0.58, 60, False),  # below 1.5 times normal
        (0.4, 0.65, 60, True),
        (1.0, 1.15, 60, False),
        (1.0, 1.3, 60, True),  # above 0.6 of the time-out, whatever is normal
    ],
)
def test_a_limit_is_set_when_calls_are_slow_and_many(
    normal: float, latency: float, in_flight: int, queues: bool
) -> None:
    traffic = Traffic(latency=normal)
    phases = traffic.run(1, latency=latency, in_flight=in_flight)  # so that none is old yet
    assert (LimiterPhase.QUEUEING in phases) is queues
    if queues:
        assert traffic.limiter.limit == pytest.approx(0.7 * TIMEOUT * RATE, rel=0.05)
        assert traffic.limiter.is_shedding


def test_three_calls_are_never_a_queue(traffic: Traffic) -> None:
    assert set(traffic.run(10, rate=10, latency=1.9, in_flight=3)) == {LimiterPhase.UNLIMITED}


@pytest.mark.parametrize(("in_flight", "queues"), [(3, False), (4, True)])
def test_four_calls_that_hang_are_held_back(in_flight: int, queues: bool) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    for n in range(15):
        limiter.advance(n * SECONDS, Sample(SECONDS, 0, 0, 0.0, 0, in_flight, in_flight))
    assert (limiter.phase is LimiterPhase.QUEUEING) is queues


@pytest.mark.parametrize(("seconds", "queues"), [(1.1, False), (1.3, True)])
def test_a_call_in_flight_for_six_tenths_of_the_time_out_is_late(
    traffic: Traffic, seconds: float, queues: bool
) -> None:
    # Nothing is admitted any more, and the calls that end are fast: the others are old.
    traffic.run(SECONDS, in_flight=100)
    phases = traffic.run(seconds, rate=20, in_flight=90, admits=False)
    assert (LimiterPhase.QUEUEING in phases) is queues


def test_before_the_normal_latency_is_known_only_late_calls_queue() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    new = Traffic.__new__(Traffic)
    new.limiter, new.now, new.admitted, new.ended = limiter, 0.0, 0, 0
    assert set(new.run(1, latency=1.1, in_flight=100)) == {LimiterPhase.UNLIMITED}
    new = Traffic.__new__(Traffic)
    new.limiter, new.now, new.admitted, new.ended = ConcurrencyLimiter(TIMEOUT), 0.0, 0, 0
    assert LimiterPhase.QUEUEING in new.run(1, latency=1.3, in_flight=100)


def test_the_peak_is_of_throughput_that_is_known_well() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    peaks = []
    for n in range(1, 11):
        limiter.advance(n * SECONDS, Sample(SECONDS, 40, 0, 4.0, 0, 4, 40 * n))
        peaks.append(limiter.reference.peak)
    # Over half a time-out, so that its weight is 1 - exp(-0.9) = 0.593 after nine.
    assert peaks[:9] == [0.0] * 9
    assert peaks[9] == pytest.approx(400)


# --- queueing


def queueing(*, latency: float = 1.2, rate: float = RATE) -> Traffic:
    """Return traffic whose calls have queued for two seconds."""
    traffic = Traffic()
    traffic.until(LimiterPhase.QUEUEING, 5, latency=latency, in_flight=100, rate=rate)
    traffic.run(2, latency=latency, rate=rate)
    return traffic


def test_the_limit_follows_the_throughput() -> None:
    traffic = queueing()
    assert traffic.limiter.limit == pytest.approx(56, rel=0.02)
    traffic.run(2, latency=1.2, rate=60)
    assert traffic.phase is LimiterPhase.QUEUEING
    assert traffic.limiter.limit == pytest.approx(84, rel=0.15)


def test_the_first_limit_holds_until_calls_from_before_it_have_ended() -> None:
    traffic = Traffic()
    traffic.until(LimiterPhase.QUEUEING, 5, latency=1.2, in_flight=100)
    first, latency = traffic.limiter.limit, traffic.limiter.latency
    traffic.run(latency - 0.1, latency=latency, rate=200)
    assert traffic.limiter.limit == first
    traffic.run(0.2, latency=latency, rate=200)
    assert traffic.limiter.limit > first


@pytest.mark.parametrize(("latency", "settle"), [(0.2, 0.3), (1.0, 1.5), (1.8, 2.0)])
def test_a_new_limit_is_measured_after_half_as_long_again_as_a_call(
    latency: float, settle: float
) -> None:
    traffic = queueing(latency=latency if latency > 1 else 1.2)
    traffic.run(5, latency=latency, rejected=1)
    traffic.limiter._measure_limit()
    traffic.run(settle - 0.01, latency=latency, rejected=1)
    assert traffic.limiter._trial.calls == 0
    traffic.run(0.2, latency=latency, rejected=1)
    assert traffic.limiter._trial.calls > 0


def test_the_limit_is_not_below_the_knee(traffic: Traffic) -> None:
    traffic.run(5, in_flight=30)
    traffic.until(LimiterPhase.QUEUEING, 9, latency=1.5, in_flight=100, rate=40)
    for _ in range(20):
        traffic.run(0.1, latency=1.5, rate=10)
        if traffic.phase is LimiterPhase.QUEUEING:
            assert traffic.limiter.limit >= 0.75 * 30


def test_the_floor_falls_while_most_calls_fail() -> None:
    traffic = Traffic()
    traffic.run(20, in_flight=40)
    traffic.until(LimiterPhase.QUEUEING, 9, latency=1.5, in_flight=100)
    before = traffic.limiter.limit
    traffic.run(8, latency=1.5, rate=20, failing=0.9)
    assert before > 30
    assert traffic.limiter.limit < 15


def test_the_limit_is_lifted_when_it_held_nothing_back_for_two_seconds() -> None:
    traffic = queueing()
    phases = traffic.run(1.8, in_flight=4)
    assert set(phases) == {LimiterPhase.QUEUEING}
    traffic.until(LimiterPhase.UNLIMITED, 1.5, in_flight=4)
    assert traffic.limiter.limit == inf


@pytest.mark.parametrize(("timeout", "seconds"), [(1.0, 2.0), (2.0, 2.0), (4.0, 4.0)])
def test_a_limit_without_need_lasts_a_time_out_and_two_seconds_at_least(
    timeout: float, seconds: float
) -> None:
    limiter = ConcurrencyLimiter(timeout)
    limiter._activate(LimiterPhase.QUEUEING, 50.0, 0.0)
    sample = Sample(
        seconds=0.25,
        successes=10,
        failures=0,
        success_seconds=1.0,
        rejected=0,
        in_flight=4,
        admitted=0,
    )
    phases = []
    for n in range(1, round(seconds * 4) + 2):
        limiter.advance(n / 4, sample._replace(admitted=10 * n))
        phases.append(limiter.phase)
    assert set(phases[:-1]) == {LimiterPhase.QUEUEING}
    assert phases[-1] is LimiterPhase.UNLIMITED


def test_a_limit_is_measured_once_the_calls_from_before_it_have_ended() -> None:
    traffic = Traffic()
    traffic.until(LimiterPhase.QUEUEING, 5, latency=1.2, in_flight=100)
    limiter = traffic.limiter
    first = traffic.now + TIMEOUT + limiter.latency
    traffic.run(first - 1.01 * SECONDS - traffic.now, latency=1.2)
    assert limiter._trial.calls == 0
    traffic.run(2 * SECONDS, latency=1.2)
    assert limiter._trial.calls > 0


def test_a_rejection_shows_that_the_limit_is_needed() -> None:
    traffic = queueing()
    assert LimiterPhase.UNLIMITED not in traffic.run(5, in_flight=4, rejected=1)


@pytest.mark.parametrize(
    ("limit", "knee", "first"), [(1.0, 1.0, 2.0), (3.0, 1.0, 3.0), (3.0, 5.0, 5.0)]
)
def test_the_first_limit_is_two_at_least_and_not_below_the_knee(
    limit: float, knee: float, first: float
) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter.reference.knee = knee
    limiter._activate(LimiterPhase.QUEUEING, limit, 1.0)
    assert limiter.limit == first


def test_the_limit_falls_to_one_call_where_nothing_succeeds() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter._activate(LimiterPhase.QUEUEING, 50.0, 0.0)
    limiter.reference.knee = 0.5
    limiter._adjust(5.0, Sample(SECONDS, 0, 0, 0.0, 0, 4, 4))
    assert limiter.limit == limiter._limit == limiter._trial.limit == 1


@pytest.mark.parametrize(("in_flight", "needed"), [(9, True), (8, False)])
def test_a_limit_is_needed_that_one_more_call_would_fill(in_flight: int, needed: bool) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter.phase, limiter._limit = LimiterPhase.CONGESTED, 10.0
    limiter._idle_seconds = 1.0
    limiter.advance(1.0, Sample(SECONDS, 4, 0, 0.4, 0, in_flight, 100))
    assert limiter._idle_seconds == (0.0 if needed else 1.1)


@pytest.mark.parametrize(("below", "kept"), [(1, True), (3, False)])
def test_a_limit_that_is_nearly_used_is_needed(below: int, kept: bool) -> None:
    traffic = queueing()
    for _ in range(50):
        if traffic.phase is LimiterPhase.UNLIMITED:
            break
        traffic.run(SECONDS, in_flight=ceil(traffic.limiter.limit) - below, rate=60)
    assert (traffic.phase is LimiterPhase.QUEUEING) is kept


def test_slow_calls_keep_the_limit() -> None:
    traffic = queueing()
    assert LimiterPhase.UNLIMITED not in traffic.run(5, in_flight=20, latency=1.2)


# --- trial


def on_trial(rate: float = 20) -> Traffic:
    """Return traffic whose throughput fell to `rate` in a queue, so that the knee is tried."""
    traffic = Traffic()
    traffic.until(LimiterPhase.QUEUEING, 9, latency=1.2, in_flight=100)
    traffic.until(LimiterPhase.TRIAL, 20, latency=1.2, rate=rate)
    return traffic


def test_the_knee_is_tried_when_throughput_fell() -> None:
    traffic = on_trial()
    knee = traffic.limiter.reference.knee
    assert traffic.limiter.limit == pytest.approx(knee)
    assert knee == pytest.approx(4, abs=1)


def test_it_is_not_tried_while_throughput_holds() -> None:
    traffic = Traffic()
    traffic.until(LimiterPhase.QUEUEING, 9, latency=1.2, in_flight=100)
    assert LimiterPhase.TRIAL not in traffic.run(20, latency=1.2, rate=40)


def test_it_is_not_tried_where_the_knee_is_near_the_limit() -> None:
    traffic = Traffic()
    traffic.run(20, in_flight=50)
    traffic.until(LimiterPhase.QUEUEING, 9, latency=1.2, in_flight=100)
    assert LimiterPhase.TRIAL not in traffic.run(20, latency=1.2, rate=30)


def test_a_trial_that_serves_more_wins() -> None:
    traffic = on_trial()
    traffic.until(LimiterPhase.CONGESTED, 4, latency=0.11, rate=40)
    assert traffic.limiter.limit <= 4.5


@pytest.mark.parametrize(
    ("latency", "rate"),
    [
        (0.11, 20),  # it serves no more
        (0.25, 40),  # it serves more, but more than twice as slow as normal
    ],
)
def test_a_trial_that_is_no_better_does_not_win(latency: float, rate: float) -> None:
    traffic = on_trial()
    phases = traffic.run(4.5, latency=latency, rate=rate)
    assert LimiterPhase.CONGESTED not in phases
    assert traffic.phase is not LimiterPhase.TRIAL, "it lasts two time-outs at most"
    assert traffic.limiter.limit > 20, "back to what is answered in time"


def test_a_trial_that_serves_less_is_lost_at_once() -> None:
    traffic = on_trial()
    phases = traffic.run(3, latency=0.11, rate=10)
    assert LimiterPhase.QUEUEING in phases


def test_a_trial_without_need_ends() -> None:
    traffic = on_trial()
    phases = traffic.run(1.5, latency=0.11, rate=20, in_flight=1)
    assert phases[9] is LimiterPhase.TRIAL
    assert LimiterPhase.QUEUEING in phases


def test_the_next_trial_comes_ever_later() -> None:
    traffic = on_trial()
    gaps = []
    for _ in range(5):
        traffic.until(LimiterPhase.QUEUEING, 4, latency=0.11, rate=10)
        gaps.append(round(traffic.limiter._trial_gap / TIMEOUT))
        assert traffic.limiter._next_trial == traffic.now + traffic.limiter._trial_gap
        traffic.limiter._next_trial = traffic.now
        traffic.limiter.reference.peak, traffic.limiter.reference.knee = 40.0, 4.0
        traffic.until(LimiterPhase.TRIAL, 20, latency=1.2, rate=20)
    assert gaps == [8, 16, 32, 64, 64]


def test_a_trial_that_is_too_slow_lasts_a_time_out() -> None:
    traffic = on_trial()
    seconds = traffic.until(LimiterPhase.QUEUEING, 9, latency=0.25, rate=20)
    assert 2 < seconds <= 2.5


def test_a_trial_that_is_about_as_good_lasts_two() -> None:
    traffic = on_trial()
    seconds = traffic.until(LimiterPhase.QUEUEING, 9, latency=0.11, rate=20)
    assert 3.9 < seconds <= 4.5


def test_a_trial_of_many_calls_is_shorter() -> None:
    traffic = on_trial()
    traffic.limiter._previous_trial.successes *= 10  # two hundred a second
    seconds = traffic.until(LimiterPhase.QUEUEING, 9, latency=0.11, rate=200)
    assert seconds <= 3.2
    assert traffic.limiter.reference.peak == 0.0, "throughput fell for another reason"


@pytest.mark.parametrize(("calls", "over"), [(150, False), (151, True)])
def test_a_trial_that_has_not_won_in_150_calls_is_lost(calls: int, over: bool) -> None:
    traffic = on_trial()
    traffic.run(2.5, latency=0.11, rate=20)  # until it is measured
    trial = traffic.limiter._trial
    trial.successes, trial.seconds = calls - 1.0, (calls - 1) / 20
    traffic.run(SECONDS, latency=0.11, rate=10)  # one call more
    assert (traffic.phase is LimiterPhase.QUEUEING) is over


def trial_of(goodput: float, seconds: float, latency: float, limit: float) -> LimitTrial:
    made = LimitTrial(limit)
    made.seconds, made.successes = seconds, goodput * seconds
    made._success_seconds = made.successes * latency
    return made


@pytest.mark.parametrize(
    ("goodput", "seconds", "latency", "waited", "phase"),
    [
        (24.8, 4, 0.125, 1.0, LimiterPhase.CONGESTED),  # 1.72 deviations more than before
        (24.5, 4, 0.125, 1.0, LimiterPhase.TRIAL),  # 1.62
        (24.8, 4, 0.2499, 1.0, LimiterPhase.CONGESTED),
        (24.8, 4, 0.25, 1.0, LimiterPhase.TRIAL),  # twice as slow as normal
        (24.8, 4, 0.25, 2.0, LimiterPhase.TRIAL),
        (24.8, 4, 0.25, 2.1, LimiterPhase.QUEUEING),
        (17.5, 4, 0.125, 1.0, LimiterPhase.TRIAL),  # 0.98 deviations less
        (17.3, 4, 0.125, 1.0, LimiterPhase.QUEUEING),  # 1.06
        (20.0, 4, 0.125, 4.0, LimiterPhase.TRIAL),
        (20.0, 4, 0.125, 4.1, LimiterPhase.QUEUEING),
        (17.3, 4, 0.89, 1.0, LimiterPhase.QUEUEING),
        (17.3, 4, 0.91, 1.0, LimiterPhase.SLOW_DEPENDENCY),  # a second before it
        (17.3, 4, 0.24, 1.0, LimiterPhase.QUEUEING),
    ],
)
def test_the_verdict_of_a_trial(
    goodput: float, seconds: float, latency: float, waited: float, phase: LimiterPhase
) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter.reference._latency.restore(0.125, 1.0)
    limiter.phase, limiter._trial_started_at = LimiterPhase.TRIAL, 10.0
    limiter._trial = trial_of(goodput, seconds, latency, 5.0)
    limiter._previous_trial = trial_of(20.0, seconds, 1.0, 40.0)
    limiter._judge_trial(10.0 + waited)
    assert limiter.phase is phase


def test_more_by_less_than_three_in_a_hundred_wins_nothing() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter.reference._latency.restore(0.125, 1.0)
    limiter.phase = LimiterPhase.TRIAL
    for goodput, wins in ((20.5, False), (20.7, True)):  # of 20, both far beyond chance
        limiter._trial = trial_of(goodput, 4000, 0.125, 5.0)
        limiter._previous_trial = trial_of(20.0, 4000, 1.0, 40.0)
        limiter._judge_trial(1.0)
        assert (limiter.phase is LimiterPhase.CONGESTED) is wins
        limiter.phase = LimiterPhase.TRIAL


def test_equal_latency_tells_nothing_of_a_better_limit() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter._trial = trial_of(40.0, 4, 0.125, 5.0)
    limiter._previous_trial = trial_of(20.0, 4, 0.125, 40.0)
    limiter._enter_congestion_control()
    assert (limiter.phase, limiter.limit) == (LimiterPhase.CONGESTED, 5.0)


@pytest.mark.parametrize(
    ("throughput", "knee", "ready", "suspected"),
    [
        (8.9, 6.9, True, True),
        (9.0, 6.9, True, False),  # 0.9 of the peak
        (8.9, 7.0, True, False),  # 0.7 of the limit
        (8.9, 6.9, False, False),
    ],
)
def test_congestion_is_suspected_where_throughput_fell_far_above_the_knee(
    throughput: float, knee: float, ready: bool, suspected: bool
) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter._limit = 10.0
    limiter._completions._recent.restore(throughput, 1.0)
    limiter.reference.peak, limiter.reference.knee = 10.0, knee
    limiter.reference._latency.restore(0.1, 1.0 if ready else 0.1)
    assert limiter._suspects_congestion() is suspected


@pytest.mark.parametrize(("failures", "share"), [(20.0, 1.0), (20.1, 0.5)])
def test_more_than_two_failures_for_each_success_lower_the_floor(
    failures: float, share: float
) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter._activate(LimiterPhase.QUEUEING, 50.0, 0.0)
    limiter._trial = LimitTrial(50.0, 0.0)
    limiter._trial.seconds, limiter._trial.successes = 2.0, 10.0
    limiter._trial.failures = failures
    limiter._adjust(5.0, Sample(SECONDS, 0, 0, 0.0, 0, 50, 50))
    assert limiter._floor_share == share


@pytest.mark.parametrize(("knee", "limit"), [(0.5, 1.0), (1.5, 1.5)])
def test_a_trial_lets_one_call_in_at_least(knee: float, limit: float) -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter.reference.knee = knee
    limiter._begin_trial(1.0)
    assert (limiter.phase, limiter.limit) == (LimiterPhase.TRIAL, limit)


# --- congested


@pytest.fixture
def congested() -> Traffic:
    traffic = on_trial()
    traffic.until(LimiterPhase.CONGESTED, 4, latency=0.11, rate=40)
    return traffic


def test_it_begins_where_latency_is_normal_on_the_line_through_both_measurements() -> None:
    traffic = on_trial()
    limiter = traffic.limiter
    before = limiter._previous_trial
    traffic.until(LimiterPhase.CONGESTED, 4, latency=0.15, rate=40)
    knee, normal = limiter.reference.knee, limiter.reference.latency
    slope = (before.latency - 0.15) / (before.limit - knee)
    assert limiter.limit == pytest.approx(knee - (0.15 - 1.1 * normal) / slope, rel=0.02)
    assert limiter.limit < 0.9 * knee


def test_it_begins_with_half_the_knee_at_least() -> None:
    traffic = on_trial()
    traffic.limiter._previous_trial._success_seconds /= 6  # 0.2 s: hardly slower than at the knee
    traffic.until(LimiterPhase.CONGESTED, 4, latency=0.19, rate=40)
    assert traffic.limiter.limit == pytest.approx(traffic.limiter.reference.knee / 2, rel=0.02)


@pytest.mark.parametrize(("ratio", "factor"), [(1.05, 1.1), (1.2, 1.0), (1.4, 1 / 1.1)])
def test_latency_moves_a_congested_limit(congested: Traffic, ratio: float, factor: float) -> None:
    limiter = congested.limiter
    before, latency = limiter.limit, ratio * limiter.reference.latency
    for _ in range(30):
        congested.run(0.1, latency=latency, rate=40)
        if limiter.limit != before:
            break
    assert limiter.limit == pytest.approx(before * factor)
    assert congested.phase is LimiterPhase.CONGESTED


def measured(traffic: Traffic, calls: float, *, rate: float, latency: float) -> None:
    """Let the present limit have been measured by so many calls after the next sample."""
    trial = traffic.limiter._trial
    assert trial.calls, "it is measured"
    trial.successes = (calls - rate * SECONDS) / exp(-SECONDS / 4)
    trial.seconds, trial._success_seconds = trial.successes / rate, trial.successes * latency
    traffic.run(SECONDS, rate=rate, latency=latency)


@pytest.mark.parametrize(("calls", "moved"), [(19.99, False), (20.01, True)])
def test_one_step_takes_twenty_calls(congested: Traffic, calls: float, moved: bool) -> None:
    congested.limiter._measure_limit(congested.now)
    congested.run(0.5, latency=0.1, rate=20)
    before = congested.limiter.limit
    measured(congested, calls, rate=20, latency=0.1)
    assert (congested.limiter.limit != before) is moved
    assert (congested.limiter._trial.calls == 0) is moved, "each step is measured anew"


def test_where_fewer_calls_are_no_faster_the_load_is_not_the_cause(congested: Traffic) -> None:
    limiter = congested.limiter
    limiter._limit = limiter._congestion_limit = 20.0
    limiter._measure_limit()
    limits = [20.0]
    for _ in range(300):
        congested.run(0.1, latency=0.3, rate=40)
        if congested.phase is not LimiterPhase.CONGESTED:
            break
        limits.append(limiter.limit)
    assert congested.phase is LimiterPhase.QUEUEING
    assert 0.4 * 20 <= min(limits) < 0.5 * 20


def changed_limit(traffic: Traffic, **calls: float) -> float:
    """Run until the limit changes; return it."""
    before = traffic.limiter.limit
    for _ in range(60):
        traffic.run(SECONDS, **calls)  # type: ignore[arg-type]  # numbers only
        if traffic.limiter.limit != before:
            return traffic.limiter.limit
    pytest.fail(f"still {before}")


@pytest.mark.parametrize(("limit", "halved"), [(20.0, 10.0), (1.5, 1.0)])
def test_a_congested_limit_is_halved_while_most_calls_fail(
    congested: Traffic, limit: float, halved: float
) -> None:
    congested.limiter._limit = congested.limiter._congestion_limit = limit
    congested.limiter._measure_limit()
    assert changed_limit(congested, latency=0.12, rate=40, failing=0.9) == halved
    assert congested.limiter._floor_share == 0.5
    assert congested.limiter._trial.calls == 0, "the half is measured anew"


@pytest.mark.parametrize(("limit", "lowered"), [(1.65, 1.5), (1.05, 1.0)])
def test_a_congested_limit_falls_to_one(congested: Traffic, limit: float, lowered: float) -> None:
    congested.limiter._limit = congested.limiter._congestion_limit = limit
    congested.limiter._measure_limit()
    assert changed_limit(congested, latency=0.2, rate=40) == pytest.approx(lowered)


@pytest.mark.parametrize(("limit", "phase"), [(8.8, "congested"), (8.79, "queueing")])
def test_below_four_tenths_the_load_is_not_the_cause(
    congested: Traffic, limit: float, phase: str
) -> None:
    congested.limiter._limit, congested.limiter._congestion_limit = limit, 20.0
    congested.limiter._measure_limit()
    changed_limit(congested, latency=0.2, rate=40)
    assert congested.phase == phase


# --- slow dependency


@pytest.fixture
def slow() -> Traffic:
    """Traffic whose calls were as slow at the knee as before."""
    traffic = on_trial()
    traffic.until(LimiterPhase.SLOW_DEPENDENCY, 6, latency=1.2, rate=20)
    return traffic


def test_calls_that_are_slow_at_the_knee_are_slow_by_themselves(slow: Traffic) -> None:
    assert slow.limiter.limit > 10, "the limit before the trial"


def test_a_trial_that_is_faster_but_not_normal_shows_a_queue() -> None:
    traffic = on_trial()
    phases = traffic.run(6, latency=0.6, rate=20)
    assert LimiterPhase.SLOW_DEPENDENCY not in phases
    assert traffic.phase is LimiterPhase.QUEUEING


def test_the_limit_of_slow_calls_widens_while_more_succeed(slow: Traffic) -> None:
    limits = [slow.limiter.limit]
    rate = 20.0
    for _ in range(200):
        slow.run(0.1, latency=1.2, rate=rate)
        if slow.limiter.limit != limits[-1]:
            limits.append(slow.limiter.limit)
            rate *= 1.3
    assert len(limits) > 3
    for before, after in pairwise(limits):
        assert after == pytest.approx(max(before + 1, before * 1.3))


@pytest.mark.parametrize(
    ("latency", "rate"), [(1.2, 10), (1.2 * 1.2, 30)], ids=["less succeeds", "slower"]
)
def test_a_wider_limit_that_is_no_better_is_taken_back(
    slow: Traffic, latency: float, rate: float
) -> None:
    before = slow.limiter.limit
    for _ in range(100):
        slow.run(0.1, latency=1.2, rate=20)
        if slow.limiter.limit > before:
            break
    assert slow.limiter.limit == pytest.approx(before * 1.3, rel=0.01)
    for _ in range(60):
        slow.run(0.1, latency=latency, rate=rate)
        if slow.limiter.limit == before:
            break
    assert slow.limiter.limit == before
    assert slow.limiter._next_trial == pytest.approx(slow.now + 4 * TIMEOUT)
    assert not slow.limiter._widened
    assert slow.limiter._trial.calls == 0
    assert slow.phase is LimiterPhase.SLOW_DEPENDENCY


@pytest.mark.parametrize(("calls", "widened"), [(29.99, False), (30.01, True)])
def test_thirty_calls_are_measured_before_the_limit_widens(
    slow: Traffic, calls: float, widened: bool
) -> None:
    before = slow.limiter.limit
    slow.limiter._measure_limit(slow.now)
    slow.run(0.5, latency=1.2, rate=20)
    measured(slow, calls, rate=20, latency=1.2)
    assert (slow.limiter.limit > before) is widened


def test_a_small_limit_widens_by_one(slow: Traffic) -> None:
    slow.limiter._limit = 2.0
    slow.limiter._measure_limit(slow.now)
    for _ in range(40):
        slow.run(0.1, latency=1.2, rate=20)
        if slow.limiter.limit != 2.0:
            break
    assert slow.limiter.limit == 3.0


def test_slow_calls_that_get_much_slower_queue(slow: Traffic) -> None:
    slow.until(LimiterPhase.QUEUEING, 4, latency=1.2 * 1.5, rate=20)


# --- slow start


def test_after_an_outage_it_begins_with_half_the_usual_concurrency() -> None:
    traffic = Traffic()
    traffic.run(120, in_flight=20)
    traffic.limiter.start_slow()
    assert traffic.phase is LimiterPhase.SLOW_START
    assert not traffic.limiter.is_shedding
    start = traffic.limiter.limit
    assert start == pytest.approx(traffic.limiter.reference.in_flight / 2)
    traffic.run(0.1, rate=20)
    assert traffic.limiter.limit == pytest.approx(start + 4), "two more for each success"
    traffic.run(3)
    reachable = max(0.7 * TIMEOUT * traffic.limiter.throughput, traffic.limiter.reference.knee)
    assert traffic.limiter.limit <= max(reachable * 1.1, start + 4)


def test_it_begins_with_two_at_least(traffic: Traffic) -> None:
    traffic.limiter.reference._in_flight.restore(1.0, 1.0)
    traffic.limiter.start_slow()
    assert traffic.limiter.limit == 2


def test_a_queue_ends_the_slow_start(traffic: Traffic) -> None:
    traffic.limiter.start_slow()
    assert LimiterPhase.QUEUEING in traffic.run(4, latency=1.3, rate=20, in_flight=60)


@pytest.mark.parametrize(("in_flight", "queues"), [(57, True), (55, False)])
def test_a_slow_start_ends_in_a_queue_with_a_quarter_of_the_knee_at_least(
    traffic: Traffic, in_flight: int, queues: bool
) -> None:
    limiter = traffic.limiter
    limiter.start_slow()
    limiter.reference.knee = 400.0
    # 0.7 of the time-out times forty a second are 56.
    sample = Sample(SECONDS, 4, 0, 0.4, 0, in_flight, 0)
    limiter._grow_after_outage(sample, troubled=False)
    assert limiter.phase is LimiterPhase.SLOW_START
    limiter._grow_after_outage(sample, troubled=True)
    assert (limiter.phase is LimiterPhase.QUEUEING) is queues
    if queues:
        assert limiter.limit == 100.0
        assert limiter._trial.calls == 0


def test_one_call_may_always_run() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT)
    limiter._limit = 0.5
    assert limiter.limit == 1


def test_the_limit_stays_within_its_bounds() -> None:
    limiter = ConcurrencyLimiter(TIMEOUT, min_limit=5, max_limit=50)
    assert limiter.limit == 50
    limiter.start_slow()
    assert limiter.limit == 5
    limiter.release()
    assert limiter.limit == 50
