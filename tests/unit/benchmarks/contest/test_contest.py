"""The contest's floor: what thresholds alone are worth beside no breaker and other libraries."""

from __future__ import annotations

from statistics import geometric_mean

from benchmarks.contest.policies import PEERS, POLICIES, Breakerd
from benchmarks.contest.run import contest, run
from benchmarks.contest.world import Clock, Fault, Scenario, arrivals, goodput, scenarios
from breakerd import LimiterSettings, Settings, Slo, State, Transition
from breakerd.breaker.testing import EventLog

STATED, FOUND = "thresholds, wait stated", "thresholds"


FLOORS = {STATED: (0.78, 0.5), FOUND: (0.9, 0.75), "slo + errors": (0.97, 0.9)}
"""Least geometric mean, and least ratio in any scenario."""


def test_thresholds_are_worth_having() -> None:
    worlds = scenarios()
    policies = [*FLOORS, "slo + limiter", "no breaker", *PEERS]
    ratios = contest(worlds, [1], policies)
    means = {policy: geometric_mean(row) for policy, row in ratios.items()}
    for policy, (mean, least) in FLOORS.items():
        assert means[policy] >= mean
        assert min(ratios[policy]) >= least
        healthy = zip(worlds, ratios[policy], strict=True)
        assert all(ratio >= 0.99 for world, ratio in healthy if world.healthy)
    assert means[STATED] >= 0.96 * max(means[peer] for peer in PEERS)
    assert means["slo + errors"] >= means["slo + limiter"] - 0.01


def test_every_policy_meets_the_same_calls_and_a_run_can_be_repeated() -> None:
    world = scenarios()[4]
    assert arrivals(world, 1) == arrivals(world, 1) != arrivals(world, 2)
    assert run(world, 1, FOUND) == run(world, 1, FOUND)
    assert set(PEERS) < set(POLICIES)


def test_an_outage_of_a_quiet_service_is_noticed() -> None:
    quiet = scenarios()[-1]
    assert quiet.rate == 1.5
    breaker, log, clock = watched(Settings(error_threshold=0.5))
    begin = clock.now
    goodput(quiet, 1, breaker, clock)
    first = next(event for event in log.of(Transition) if event.to_state is State.OPEN)
    assert quiet.faults[0].begin < first.monotonic - begin < quiet.faults[0].begin + 6


def test_a_dependency_that_comes_back_weak_does_not_trip_on_and_on() -> None:
    """Down for 10 s, then with capacity for three in five calls for 240 s."""
    faults = (Fault(10, 20, refused=1), Fault(20, 260, speed=0.3))
    slo = Slo(success_rate=0.95, timeout=1.0, warmup=0.0)
    for limiter, most in ((True, 2), (False, 16)):
        settings = Settings(slo=slo, limiter=LimiterSettings(enabled=limiter))
        breaker, log, clock = watched(settings)
        goodput(Scenario("comes back weak", faults, seconds=260), 1, breaker, clock)
        trips = [event for event in log.of(Transition) if event.to_state is State.OPEN]
        assert len(trips) <= most


def watched(settings: Settings) -> tuple[Breakerd, EventLog, Clock]:
    clock, log = Clock(), EventLog()
    policy = Breakerd(settings, clock)
    policy.breaker.subscribe(log)
    return policy, log, clock
