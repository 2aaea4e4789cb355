"""A dependency that hangs is given up at once; one that only pauses now and then is left alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import inf

import pytest

from breakerd import Breaker, Reason, Signal, State, ThresholdBreached, Transition
from breakerd.breaker.testing import EventLog, ManualClock
from tests.support.simulated_dependency import Pauses, SimulatedDependency

MakeBreaker = Callable[..., Breaker]

RATES = (1.5, 5, 10, 20, 40, 100, 1000)


def self_tuning(make: MakeBreaker, *, limiter: bool, timeout: float) -> Breaker:
    slo = {"success_rate": 0.95, "timeout": timeout, "warmup": 0.0}
    breaker = make(slo=slo, limiter={"enabled": limiter})
    breaker._core.externally_ticked = True  # the simulation is its ticker
    return breaker


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("gives_up", [True, False], ids=["callers time out", "calls never end"])
@pytest.mark.parametrize("limiter", [True, False], ids=["limiter", "no limiter"])
@pytest.mark.parametrize("timeout", [2.0, 0.5])
def test_a_total_hang_is_given_up_a_second_after_the_fifth_time_out(
    timeout: float,
    limiter: bool,
    gives_up: bool,
    rate: float,
    make: MakeBreaker,
    clock: ManualClock,
    log: EventLog,
) -> None:
    for seed in range(2 if rate <= 20 and timeout > 1 else 1):
        log.clear()
        breaker = self_tuning(make, limiter=limiter, timeout=timeout)
        hangs_at = clock() + (5 if rate > 100 else 25)
        callers = SimulatedDependency(
            breaker,
            clock,
            rate=rate,
            timeout=timeout if gives_up else inf,
            pauses=[(hangs_at, inf)],
            seed=seed,
        )
        callers.run(hangs_at + 30)
        assert callers.good
        (opening,) = [each for each in log.of(Transition) if each.to_state is State.OPEN]
        assert opening.reason is Reason.FAILURE_STREAK
        assert opening.evidence[0].samples > 1
        assert Signal.SLO in {each.signal for each in log.of(ThresholdBreached)}
        hung = sorted(callers.hung)
        if len(hung) >= 5:
            assert opening.monotonic <= hung[4] + timeout + 1


def now_and_then(begin: float, length: float, count: int, rng: random.Random) -> Pauses:
    pauses: Pauses = []
    for _ in range(count):
        begin += rng.uniform(7, 13)
        pauses.append((begin, begin + length))
        begin += length
    return pauses


@pytest.mark.parametrize(
    ("rate", "mean"), [(1.5, 0.2), (5, 0.02), (5, 0.2), (20, 0.02), (20, 0.2), (100, 0.2)]
)
def test_a_dependency_that_pauses_now_and_then_is_healthy(
    rate: float, mean: float, make: MakeBreaker, clock: ManualClock
) -> None:
    rejected = good = 0
    for share in (0.3, 0.6, 0.7):
        for seed in range(2 if rate <= 20 else 1):
            breaker = self_tuning(make, limiter=True, timeout=2.0)
            rng = random.Random(seed)
            pauses = now_and_then(clock() + 60, 2.0 * share, 12, rng)
            callers = SimulatedDependency(
                breaker, clock, rate=rate, timeout=2.0, mean=mean, pauses=pauses, seed=seed
            )
            callers.run(pauses[-1][1] + 10)
            assert callers.bad == 0
            assert breaker.state is State.CLOSED
            rejected, good = rejected + callers.rejected, good + callers.good
    assert rejected <= 0.002 * good


def test_a_hang_is_given_up_as_fast_by_who_knows_pauses(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = self_tuning(make, limiter=True, timeout=2.0)
    pauses = now_and_then(clock() + 60, 1.4, 5, random.Random(0))
    hangs_at = pauses[-1][1] + 20
    callers = SimulatedDependency(
        breaker, clock, rate=40, timeout=2.0, pauses=[*pauses, (hangs_at, inf)]
    )
    callers.run(hangs_at + 10)
    (opening,) = [each for each in log.of(Transition) if each.to_state is State.OPEN]
    assert opening.reason is Reason.FAILURE_STREAK
    assert opening.monotonic <= sorted(callers.hung)[4] + 3
