from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.studies.anomaly import Traffic, Watch
from breakerd import Breaker, Signal, State, ThresholdBreached, ThresholdCleared
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

MakeBreaker = Callable[..., Breaker]

SLO = {"success_rate": 0.5, "timeout": 10.0, "warmup": 0.0}


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(1, rate=20.0, mean=0.1, sigma=0.7)


@pytest.fixture
def watch(traffic: Traffic) -> Watch:
    """Ten ordinary minutes have passed."""
    watch = Watch(traffic)
    assert watch.run(600) == []
    return watch


def told(watch: Watch) -> str:
    return watch.signal.evidence(watch.baseline).sentence() if watch.signal.breached else ""


def test_three_times_as_slow_is_told_within_ten_seconds(watch: Watch, traffic: Traffic) -> None:
    traffic.slower = 3.0
    (seen,) = watch.run(60)
    assert seen <= 10
    assert told(watch).startswith("calls are slow and pile up: ")


def test_three_times_the_load_is_no_trouble(watch: Watch, traffic: Traffic) -> None:
    traffic.rate *= 3
    assert watch.run(300) == []


def test_the_end_of_the_load_is_none_either(watch: Watch, traffic: Traffic) -> None:
    traffic.rate /= 5
    assert watch.run(300) == []


def test_failing_more_than_usual_is_told(watch: Watch, traffic: Traffic) -> None:
    traffic.failing = 0.3
    (seen,) = watch.run(60)
    assert seen <= 10
    assert told(watch).startswith("more calls fail than usual: ")


def test_a_hang_is_told_before_a_single_call_has_ended(watch: Watch, traffic: Traffic) -> None:
    traffic.hanging = True
    (seen,) = watch.run(60)
    assert seen <= 10
    assert told(watch).startswith("calls pile up and hardly end: ")


def test_slow_calls_under_more_load_are_an_overload(watch: Watch, traffic: Traffic) -> None:
    traffic.rate *= 2
    traffic.slower = 3.0
    assert len(watch.run(60)) == 1
    evidence = watch.signal.evidence(watch.baseline)
    assert evidence.detail["rate_times_normal"] == pytest.approx(2, abs=0.5)


def test_it_is_over_once_all_was_well_for_ten_seconds(watch: Watch, traffic: Traffic) -> None:
    traffic.slower = 3.0
    watch.run(60)
    traffic.slower = 1.0
    watch.run(8)
    assert watch.signal.breached
    watch.run(30)
    assert not watch.signal.breached
    evidence = watch.signal.evidence(watch.baseline)
    assert evidence.sentence().startswith("calls are as usual: ")
    assert evidence.value == pytest.approx(evidence.threshold, rel=0.5)


def test_a_blip_of_two_seconds_is_not_told(watch: Watch, traffic: Traffic) -> None:
    traffic.slower = 3.0
    watch.run(2)
    traffic.slower = 1.0
    assert watch.run(60) == []


def test_nothing_is_told_before_the_normal_is_known(traffic: Traffic) -> None:
    watch = Watch(traffic)
    watch.run(60)
    traffic.slower = 5.0
    assert watch.run(60) == []


def test_slow_calls_are_seen_where_there_is_seldom_more_than_one() -> None:
    traffic = Traffic(1, rate=3.0, mean=0.05, sigma=0.5)
    watch = Watch(traffic)
    assert watch.run(1800) == []
    traffic.slower = 3.0
    assert len(watch.run(30)) == 1


def test_slow_calls_among_far_fewer_are_no_trouble(watch: Watch, traffic: Traffic) -> None:
    traffic.slower = 3.0
    traffic.rate /= 4
    assert watch.run(300) == []


def test_too_few_calls_say_nothing() -> None:
    traffic = Traffic(1, rate=0.5, mean=0.1, sigma=0.7)
    watch = Watch(traffic)
    watch.run(1800)
    traffic.failing = 1.0
    assert watch.run(120) == []


def test_an_outage_does_not_become_the_normal(watch: Watch, traffic: Traffic) -> None:
    traffic.slower = 3.0
    watch.run(300)
    assert watch.signal.breached
    traffic.slower = 1.0
    watch.run(300)
    traffic.slower = 3.0
    assert len(watch.run(30)) == 1


@pytest.mark.parametrize(("rate", "mean", "sigma"), [(5, 0.1, 0.5), (20, 0.5, 1.5)])
def test_six_hours_of_ordinary_traffic_have_no_false_alarm(
    rate: float, mean: float, sigma: float
) -> None:
    """`benchmarks/studies/anomaly.py` simulates weeks."""
    assert Watch(Traffic(7, rate, mean, sigma)).run(6 * 3600) == []


def calls(breaker: Breaker, clock: ManualClock, seconds: float, ms: float, together: int) -> None:
    """Keeps so many calls of that length under way."""
    end = clock() + seconds
    while clock() < end:
        admitted = sum(breaker.allow() for _ in range(together))
        start = clock()
        clock.advance(ms / 1000)
        for _ in range(admitted):
            breaker.done(start, clock())
        clock.advance(0.2)


def test_a_breaker_tells_and_rejects_nothing(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(slo=SLO)
    calls(breaker, clock, 300, 50, together=2)
    assert breaker.healthy
    assert breaker.status()["anomaly"] is None
    calls(breaker, clock, 30, 1500, together=10)
    (breach,) = log.of(ThresholdBreached)
    assert breach.signal is Signal.ANOMALY
    report = breaker.status()["anomaly"]
    assert report is not None
    assert report["value"] > breach.evidence.value, "of now, and not of the moment it was noticed"
    assert report["sentence"].startswith("calls are slow and pile up: ")
    assert not breaker.healthy
    assert breaker.state is State.CLOSED
    calls(breaker, clock, 60, 50, together=2)
    (cleared,) = log.of(ThresholdCleared)
    assert cleared.signal is Signal.ANOMALY
    assert cleared.evidence.sentence().startswith("calls are as usual: ")
    assert cleared.evidence.value < breach.evidence.value / 2
    assert breaker.healthy
    assert breaker.status()["calls"]["rejected"] == 0


def test_without_a_stated_level_nothing_is_told(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    breaker = make(latency_threshold=60_000)
    calls(breaker, clock, 300, 50, together=2)
    calls(breaker, clock, 30, 1500, together=10)
    assert log == []
    assert breaker.healthy


def test_taking_the_level_away_ends_it(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO)
    calls(breaker, clock, 300, 50, together=2)
    calls(breaker, clock, 30, 1500, together=10)
    assert not breaker.healthy
    breaker.apply_slo(None)
    clock.advance(1)
    breaker.tick()
    assert breaker.healthy


def test_in_trouble_the_day_learns_a_tenth_as_fast(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO)
    calls(breaker, clock, 300, 50, together=2)
    calls(breaker, clock, 300, 800, together=8)
    assert not breaker.healthy
    mean = breaker.baseline()["series"]["duration"]["1day"]["mean"]
    good, slow = 300 / 0.25 * 2, 300 / 1.0 * 8
    assert mean == pytest.approx((good * 0.05 + 0.1 * slow * 0.8) / (good + 0.1 * slow), rel=0.2)


def test_while_calls_are_rejected_nothing_is_learnt(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=SLO, wait_time=600)
    calls(breaker, clock, 300, 50, together=2)
    before = breaker.baseline()["series"]["rate"]["1day"]["mean"]
    breaker.trip()
    for _ in range(500):
        assert not simulate_call(breaker, clock, 50)
        clock.advance(1)
    series = breaker.baseline()["series"]["rate"]
    assert series["1day"]["mean"] == pytest.approx(before, rel=0.01)
    assert series["10s"]["mean"] == pytest.approx(1, rel=0.1), "requests go on, rejected"
