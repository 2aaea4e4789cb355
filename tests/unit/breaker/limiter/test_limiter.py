from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    LimiterSettings,
    Signal,
    State,
    ThresholdBreached,
    ThresholdCleared,
)
from breakerd.breaker.context import Priority, priority
from breakerd.breaker.testing import EventLog, ManualClock
from tests.support.simulated_pool import SimulatedPool

MakeBreaker = Callable[..., Breaker]

TUNED = {
    "slo": {"success_rate": 0.95, "timeout": 2.0, "warmup": 0.0},
    "limiter": {"enabled": True},
}


@pytest.fixture
def breaker(make: MakeBreaker) -> Breaker:
    return make(**TUNED)


@pytest.fixture
def pool(breaker: Breaker, clock: ManualClock) -> SimulatedPool:
    """Sixteen workers, 0.2 s a call: good for 80 calls a second."""
    return SimulatedPool(breaker, clock, workers=16, mean=0.2, timeout=2.0)


def phase(breaker: Breaker) -> str:
    limiter = breaker.status()["limiter"]
    assert limiter is not None
    return limiter["phase"]


def test_there_is_no_limit_while_all_is_well(breaker: Breaker, pool: SimulatedPool) -> None:
    pool.run(120, rate=60)
    assert pool.count()[1:] == (0, 0)
    assert breaker.concurrency_limit == float("inf")
    assert phase(breaker) == "unlimited"


def test_a_sudden_load_that_is_borne_is_let_in(pool: SimulatedPool) -> None:
    pool.run(120, rate=5)
    pool.run(60, rate=60)
    assert pool.count()[1:] == (0, 0)


def test_a_short_pause_is_no_overload(pool: SimulatedPool) -> None:
    pool.run(60, rate=40)
    pool.slowdown = lambda _: 4.0
    pool.run(0.3, rate=40)
    pool.slowdown = lambda _: 1.0
    pool.run(30, rate=40)
    assert pool.count()[1:] == (0, 0)


def test_an_overload_is_held_to_what_is_answered_in_time(
    breaker: Breaker, pool: SimulatedPool, log: EventLog
) -> None:
    pool.run(60, rate=40)
    pool.count()
    pool.run(60, rate=160)
    good, bad, rejected = pool.count()
    assert good > 0.95 * 80 * 60
    assert bad < 0.02 * good
    assert rejected > 0.9 * 80 * 60
    assert breaker.state is State.CLOSED, "shedding is not opening"
    (breach,) = [event for event in log.of(ThresholdBreached) if event.signal is Signal.OVERLOAD]
    assert breach.evidence.sentence().startswith("limiter turns away ")
    assert breaker.rejection().reason == "overloaded"
    pool.run(30, rate=40)
    assert phase(breaker) == "unlimited"
    (cleared,) = [event for event in log.of(ThresholdCleared) if event.signal is Signal.OVERLOAD]
    assert cleared.evidence.value < cleared.evidence.threshold, "the evidence of being well"


def test_an_overload_during_warm_up_is_over_when_it_ends(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    slo = {"success_rate": 0.95, "timeout": 2.0, "warmup": 3600.0}
    breaker = make(slo=slo, limiter={"enabled": True})
    pool = SimulatedPool(breaker, clock, workers=16, mean=0.2, timeout=2.0)
    pool.run(10, rate=200)
    assert [event.signal for event in log.of(ThresholdBreached)] == [Signal.OVERLOAD]
    assert log.of(ThresholdCleared) == []
    pool.run(30, rate=5)
    assert breaker.state is State.WARMING_UP
    assert [event.signal for event in log.of(ThresholdCleared)] == [Signal.OVERLOAD]
    assert breaker.healthy


def test_a_stated_limit_that_turns_calls_away_is_overload(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    """Calls are as fast as usual, and a third of them is rejected all the same."""
    breaker = make(limiter={"enabled": True, "max_limit": 4})
    pool = SimulatedPool(breaker, clock, workers=16, mean=0.1, timeout=2.0)
    pool.run(30, rate=5)
    assert breaker.healthy
    pool.run(30, rate=100)
    assert phase(breaker) == "unlimited"
    (breach,) = [event for event in log.of(ThresholdBreached) if event.signal is Signal.OVERLOAD]
    assert breach.evidence.sentence().endswith("wanted)")
    limiter = breaker.status()["limiter"]
    assert limiter is not None
    assert limiter["shedding"]
    assert (limiter["shed_share"] or 0) > 0.3
    assert not breaker.healthy
    pool.run(60, rate=5)
    assert [event.signal for event in log.of(ThresholdCleared)] == [Signal.OVERLOAD]
    assert breaker.healthy


def test_a_stated_limit_that_turns_a_single_call_away_is_none(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(limiter={"enabled": True, "max_limit": 2})
    for _ in range(3):
        breaker.allow()
    clock.advance(1)
    breaker.tick()
    assert breaker.counters().rejected == 1
    assert log.of(ThresholdBreached) == []


def test_an_overload_is_over_where_the_limiter_is_turned_off(
    breaker: Breaker, pool: SimulatedPool, clock: ManualClock, log: EventLog
) -> None:
    pool.run(60, rate=160)
    assert not breaker.healthy
    breaker.apply(breaker.settings.model_copy(update={"limiter": LimiterSettings()}))
    clock.advance(1)
    breaker.tick()
    assert Signal.OVERLOAD in {event.signal for event in log.of(ThresholdCleared)}


def test_where_the_load_is_the_trouble_the_knee_is_found(
    breaker: Breaker, pool: SimulatedPool
) -> None:
    pool.workers = 200
    pool.slowdown = lambda busy: 1 + max(0, busy - 15) / 8
    pool.run(60, rate=40)
    pool.count()
    pool.run(60, rate=120)
    good, bad, _ = pool.count()
    assert phase(breaker) == "congested"
    # Without a limit 40 a second are served, at the knee 80.
    assert good > 60 * 60
    assert bad < 0.1 * good
    assert 10 < breaker.concurrency_limit < 30


def test_what_is_slow_by_itself_is_not_throttled_to_death(pool: SimulatedPool) -> None:
    pool.run(60, rate=40)
    pool.count()
    pool.slowdown = lambda _: 5.0
    pool.run(60, rate=40)
    good, _, _ = pool.count()
    assert good > 0.85 * 16 * 60, "16 calls of a second each are served at once"
    pool.slowdown = lambda _: 1.0
    pool.run(30, rate=40)
    pool.count()
    pool.run(10, rate=40)
    assert pool.count()[1:] == (0, 0)


def test_a_total_hang_opens_without_a_single_answer(breaker: Breaker, clock: ManualClock) -> None:
    for _ in range(400):
        if breaker.allow():
            breaker.done(clock(), clock() + 0.05)
        clock.advance(0.025)
    admitted = 0
    for _ in range(200):
        admitted += breaker.allow()
        clock.advance(0.025)
    assert breaker.state is not State.CLOSED
    assert admitted < 100, "held back after two thirds of the time-out, given up after all of it"
    assert breaker.counters().error == 0


def test_after_an_outage_it_begins_small_and_is_soon_free(
    breaker: Breaker, pool: SimulatedPool, clock: ManualClock
) -> None:
    pool.run(60, rate=40)
    for _ in range(40):
        if breaker.allow():
            breaker.done(clock(), clock(), error=True)
        clock.advance(0.025)
    assert breaker.state in {State.OPEN, State.HALF_OPEN}
    pool.count()
    pool.run(10, rate=40)
    assert breaker.state is State.CLOSED
    assert pool.count()[2] < 100, "of 400"
    pool.run(10, rate=40)
    assert pool.count()[1:] == (0, 0)


def test_limits_may_be_bounded(make: MakeBreaker) -> None:
    bounded = make(**TUNED | {"limiter": {"enabled": True, "max_limit": 2}})
    assert [bounded.allow() for _ in range(3)] == [True, True, False]
    with pytest.raises(BreakerOpenError) as caught, bounded.guard():
        pass
    assert caught.value.reason == "overloaded"


def test_without_a_level_the_latency_threshold_is_the_time_out(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(limiter={"enabled": True}, latency_threshold=2000, percentile=0.99)
    pool = SimulatedPool(breaker, clock, workers=16, mean=0.2, timeout=2.0)
    pool.run(60, rate=40)
    pool.count()
    pool.run(30, rate=160)
    good, bad, _ = pool.count()
    assert good > 0.9 * 80 * 30
    assert bad < 0.05 * good


def test_it_can_be_turned_on_and_off_while_it_runs(breaker: Breaker, pool: SimulatedPool) -> None:
    pool.run(60, rate=160)
    assert breaker.concurrency_limit < 200
    plain = breaker.settings.model_copy(
        update={"limiter": breaker.settings.limiter.model_copy(update={"enabled": False})}
    )
    breaker.apply(plain)
    assert breaker.concurrency_limit == float("inf")
    assert breaker.status()["limiter"] is None


def test_a_restart_keeps_what_is_normal(
    make: MakeBreaker, breaker: Breaker, pool: SimulatedPool
) -> None:
    pool.run(60, rate=40)
    heir = make(**TUNED)
    heir.restore(breaker.snapshot())
    old, new = breaker.status()["limiter"], heir.status()["limiter"]
    assert old is not None
    assert new is not None
    assert new["normal_latency_ms"] == pytest.approx(old["normal_latency_ms"], rel=0.01)
    assert new["knee"] == pytest.approx(old["knee"], rel=0.01)


def test_the_least_important_are_shed_first(breaker: Breaker, pool: SimulatedPool) -> None:
    admitted = dict.fromkeys(Priority, 0)
    turn = iter(range(10**9))
    allow = breaker.allow

    def mixed() -> bool:
        level = (Priority.SHEDDABLE, Priority.CRITICAL)[next(turn) % 2]
        with priority(level):
            let = allow()
        admitted[level] += let
        return let

    pool.run(60, rate=40)
    breaker.allow = mixed  # type: ignore[method-assign]  # callers of two kinds
    pool.run(60, rate=140)
    assert admitted[Priority.CRITICAL] > 0.9 * 70 * 60
    assert admitted[Priority.SHEDDABLE] < 0.35 * 70 * 60


def test_one_priority_alone_has_the_whole_limit(pool: SimulatedPool) -> None:
    pool.run(60, rate=40)
    pool.count()
    with priority(Priority.SHEDDABLE):
        pool.run(60, rate=160)
    assert pool.count()[0] > 0.95 * 80 * 60


def test_calls_that_are_slow_without_a_queue_are_not_held_back_for_long(
    pool: SimulatedPool,
) -> None:
    pool.workers = 10_000
    pool.mean = 0.1
    pool.run(60, rate=60)
    pool.count()
    pool.slowdown = lambda _: 13.0  # 1.3 s on average, at most 1.95: all in time, none waits
    pool.run(75, rate=60)
    pool.count()
    pool.run(30, rate=60)
    good, bad, rejected = pool.count()
    assert bad == 0
    assert rejected < 0.1 * good
    assert phase(pool.breaker) == "slow_dependency"


def test_an_overload_from_the_very_start_is_held_too(pool: SimulatedPool) -> None:
    pool.run(60, rate=160)
    pool.count()
    pool.run(60, rate=160)
    good, bad, _ = pool.count()
    assert good > 0.95 * 80 * 60, "although it has never seen better times"
    assert bad < 0.02 * good
