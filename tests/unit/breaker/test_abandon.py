"""Evidence of an abandoned call, and what it does not show."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from breakerd import Breaker, State
from breakerd.breaker.runtime.status_types import RecoveryReport
from breakerd.breaker.testing import ManualClock

MakeBreaker = Callable[..., Breaker]

SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 0.0}
PROBING = {"latency_threshold": 1500, "wait_time": 1, "recovery": {"probes": 3, "step_time": 1.0}}


def abandon(breaker: Breaker, clock: ManualClock, seconds: float) -> bool:
    """Give one call up after so many seconds; return False if it was rejected."""
    if not breaker.allow():
        return False
    start = clock()
    clock.advance(seconds)
    breaker.abandon(start)
    return True


def succeed(breaker: Breaker, clock: ManualClock, seconds: float) -> bool:
    if not breaker.allow():
        return False
    start = clock()
    clock.advance(seconds)
    breaker.done(start, clock())
    return True


def recovery(breaker: Breaker) -> RecoveryReport:
    found = breaker.status()["recovery"]
    assert found is not None
    return found


def probing(make: MakeBreaker, clock: ManualClock, **settings: object) -> Breaker:
    breaker = make(**PROBING | settings)
    breaker.trip()
    clock.advance(1)
    breaker.tick()
    return breaker


@pytest.mark.parametrize("settings", [{}, {"slo": SLO}, {"slo": SLO, "latency_threshold": 1500}])
def test_given_up_before_it_was_slow_it_shows_nothing(
    make: MakeBreaker, clock: ManualClock, settings: dict[str, object]
) -> None:
    breaker = make(**settings)
    for _ in range(200):
        assert abandon(breaker, clock, 0.9)
    counters = breaker.counters()
    assert (counters.success, counters.error, counters.abandoned) == (0, 0, 200)
    assert (counters.in_flight, counters.duration_sum) == (0, 0.0)
    status = breaker.status()
    assert (status["window_calls"], status["error_rate"]) == (0, 0.0)
    assert status["calls"]["abandoned"] == 200
    assert breaker.latencies_above(0) == []
    assert breaker.state is State.CLOSED


def test_given_up_after_the_threshold_it_is_slow(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=1500, minimum_calls=10)
    for _ in range(9):
        abandon(breaker, clock, 2)
    assert breaker.state is State.CLOSED
    abandon(breaker, clock, 2)
    assert breaker.state is State.OPEN
    assert breaker.status()["reason"] == "latency"
    counters = breaker.counters()
    assert (counters.success, counters.error, counters.abandoned) == (0, 0, 10)
    assert counters.duration_sum == pytest.approx(20)


def test_given_up_at_the_threshold_it_took_longer(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(latency_threshold=800, minimum_calls=1)
    clock.advance(0.1)
    abandon(breaker, clock, 0.8)
    assert breaker.state is State.OPEN


def test_given_up_after_the_time_out_it_is_late(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO)
    while abandon(breaker, clock, 1.2):
        assert breaker.counters().abandoned < 20
    assert breaker.status()["reason"] == "failure_streak"


def test_slow_and_not_late_it_is_no_failure(make: MakeBreaker, clock: ManualClock) -> None:
    """Its answer may have been a good one: a share of failures does not grow by it."""
    breaker = make(slo=SLO, latency_threshold=500, minimum_calls=50, error_threshold=0.5)
    for _ in range(49):
        abandon(breaker, clock, 0.7)
    assert breaker.status()["error_rate"] == 0
    assert len(breaker.latencies_above(500)) == 49
    assert breaker.state is State.CLOSED


def test_slow_and_not_late_it_ends_no_streak(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO, latency_threshold=900, percentile=0.1, minimum_calls=60)
    opened_at = 0
    for n in range(60):
        if breaker.triggered:
            opened_at = n
            break
        abandon(breaker, clock, 0.95 if n % 2 else 1.2)
    assert 0 < opened_at < 20


def test_a_probe_given_up_early_frees_its_place(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = probing(make, clock)
    for _ in range(12):
        starts = []
        while breaker.allow():
            starts.append(clock())
        assert len(starts) == 3
        clock.advance(0.5)
        for start in starts:
            breaker.abandon(start)
    assert breaker.state is State.HALF_OPEN
    assert recovery(breaker)["phase"] == "probes"
    assert breaker.in_flight == 0
    for _ in range(3):
        assert succeed(breaker, clock, 0.1)
    assert recovery(breaker)["phase"] == "ramp"


def test_of_several_probes_the_one_given_up_is_forgotten(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = probing(make, clock, recovery={"probes": 2, "probe_timeout": 10.0})
    assert breaker.allow()
    clock.advance(6)
    assert breaker.allow()
    breaker.abandon(clock(), clock() + 0.1)
    clock.advance(6)
    breaker.tick()
    assert recovery(breaker)["lost_probes"] == 1, "the first, which nobody reported"


def test_a_probe_that_was_lost_frees_no_place_twice(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = probing(
        make, clock, latency_threshold=60_000, recovery={"probes": 1, "probe_timeout": 5.0}
    )
    assert breaker.allow()
    lost = clock()
    clock.advance(6)
    assert breaker.allow(), "in the place of the first"
    breaker.abandon(lost)
    assert not breaker.allow()
    assert recovery(breaker)["probes_in_flight"] == 1


@pytest.mark.parametrize("settings", [{}, {"slo": SLO | {"timeout": 1.5}}])
def test_a_probe_given_up_late_has_failed(
    make: MakeBreaker, clock: ManualClock, settings: dict[str, object]
) -> None:
    breaker = probing(make, clock, **settings)
    assert abandon(breaker, clock, 1.6)
    assert breaker.state is State.OPEN
    assert breaker.status()["reason"] == "probe_failed"


def test_an_adaptive_probe_given_up_is_followed_by_another(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(slo=SLO)
    while abandon(breaker, clock, 1.2):
        pass
    for _ in range(200):
        abandon(breaker, clock, 0.3)
        clock.advance(0.05)
    assert breaker.triggered
    assert breaker.in_flight == 0
    for _ in range(100):
        clock.advance(0.1)
        succeed(breaker, clock, 0.01)
    assert breaker.state is State.CLOSED


def test_it_does_not_move_the_ramp(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = probing(make, clock)
    for _ in range(3):
        assert succeed(breaker, clock, 0.01)
    before = recovery(breaker)
    assert before["phase"] == "ramp"
    for _ in range(100):
        if breaker.allow():
            breaker.abandon(clock())
    assert recovery(breaker) == before


def test_one_of_an_earlier_generation_moves_nothing(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(**PROBING)
    starts = []
    for _ in range(40):
        assert breaker.allow()
        starts.append(clock())
    breaker.trip()
    clock.advance(1)
    breaker.tick()
    assert breaker.allow()
    before = breaker.snapshot()
    for start in starts:
        breaker.abandon(start, clock() + 5)
    assert breaker.snapshot()["window"] == before["window"]
    assert recovery(breaker)["probes_in_flight"] == 1
    assert (breaker.state, breaker.in_flight) == (State.HALF_OPEN, 1)
    counters = breaker.counters()
    assert (counters.abandoned, counters.duration_sum) == (40, 0.0)


def test_the_baseline_learns_late_ones_and_no_others(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO)
    for _ in range(300):
        succeed(breaker, clock, 0.1)
        abandon(breaker, clock, 0.1)
        breaker.tick()
    assert breaker._core.engine.baseline.observed_failure_rate.mean == 0
    slo = breaker.status()["slo"]
    assert slo is not None
    assert slo["burn_rate_5min"] == 0
    for _ in range(40):
        succeed(breaker, clock, 0.1)
        abandon(breaker, clock, 1.1)
        breaker.tick()
    after = breaker.status()["slo"]
    assert after is not None
    assert after["burn_rate_10s"] == pytest.approx(10, rel=0.1), "half of them fail"


@pytest.mark.parametrize("threshold", [{}, {"latency_threshold": 300, "minimum_calls": 10_000}])
def test_the_limiter_sees_no_success_and_no_drop(
    make: MakeBreaker, clock: ManualClock, threshold: dict[str, object]
) -> None:
    """Slow by then or not, so long as they were not late."""
    settings = {"slo": SLO, "limiter": {"enabled": True}, "latency_window_size": 10_000}
    breaker = make(**settings | threshold)
    limiter = breaker._core.engine.shedder.limiter
    assert limiter is not None
    for _ in range(100):
        succeed(breaker, clock, 0.1)
        breaker.tick()
    before = limiter.latency
    assert before == pytest.approx(0.1)
    for _ in range(100):
        abandon(breaker, clock, 0.4)
        breaker.tick()
    assert limiter.latency == before
    for _ in range(20):
        succeed(breaker, clock, 0.1)
        assert breaker.allow()
        breaker.abandon(clock() - 0.4)
        breaker.tick()
    assert limiter.latency == pytest.approx(0.1)
    for _ in range(60):
        abandon(breaker, clock, 0.4)
        breaker.tick()
    assert limiter.throughput == pytest.approx(0, abs=0.01)
    assert breaker.concurrency_limit == math.inf


@pytest.mark.parametrize("times", [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_a_time_that_is_none_is_refused(make: MakeBreaker, times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"abandon\(\) got start="):
        make().abandon(*times)


def test_reported_while_its_thread_holds_the_lock_it_waits(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    assert breaker.allow()
    with breaker._core.locked():
        breaker.abandon(clock())
    counters = breaker.counters()
    assert (counters.abandoned, counters.in_flight) == (1, 0)
