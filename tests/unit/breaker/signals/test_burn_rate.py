from __future__ import annotations

import pytest

from breakerd import Settings, Signal
from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.signals.burn_rate import BurnRateSignal

SETTINGS = Settings.model_validate({"slo": {"success_rate": 0.99, "timeout": 1.0}})


@pytest.fixture
def signal() -> BurnRateSignal:
    return BurnRateSignal(SETTINGS)


class Service:
    """A second of calls after the other."""

    def __init__(self) -> None:
        self.baseline = Baseline()
        self.now = 0.0
        self.baseline.observe(0.0, CallDelta())

    def serve(self, seconds: int, *, failing: int = 0, late: int = 0, rate: int = 100) -> None:
        for _ in range(seconds):
            self.now += 1
            self.baseline.observe(
                self.now,
                CallDelta(
                    admitted=rate, ended=rate, errors=failing, late=late, duration=rate * 0.1
                ),
            )


def test_within_the_budget_nothing_burns(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(600, failing=1)
    assert signal.burn_rate(service.baseline, Scale.MINUTES) == pytest.approx(1)
    assert not signal.breached(service.baseline)


def test_a_total_failure_is_seen_within_seconds(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(3600)
    service.serve(1, failing=100)
    assert not signal.breached(service.baseline), "a second is no breach of five minutes"
    service.serve(2, failing=100)
    assert signal.breached(service.baseline)
    evidence = signal.evidence(service.baseline)
    assert evidence.signal is Signal.SLO
    assert "% of calls fail or time out (1% allowed, burning " in evidence.sentence()
    assert evidence.detail["burn_rate_10s"] > evidence.detail["burn_rate_5min"] > 1  # type: ignore[operator]  # both numbers


def test_a_slow_burn_is_seen_after_a_while(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(3600)
    service.serve(30, failing=3)
    assert not signal.breached(service.baseline)
    service.serve(300, failing=3)
    assert signal.breached(service.baseline)


def test_it_is_over_soon_after_the_trouble_is(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(3600)
    service.serve(60, failing=50)
    assert signal.breached(service.baseline)
    service.serve(30)
    assert signal.burn_rate(service.baseline, Scale.MINUTES) > 1
    assert not signal.breached(service.baseline)


def test_calls_that_come_too_late_have_failed(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(60, late=50)
    assert signal.breached(service.baseline)


def test_few_calls_are_judged_by_the_long_window_alone(signal: BurnRateSignal) -> None:
    service = Service()
    for n in range(100):
        service.serve(1, failing=n % 2, rate=1)
        service.serve(4, rate=0)
    assert signal.breached(service.baseline)
    service.serve(200, rate=0)
    assert not signal.breached(service.baseline), "what was minutes ago says nothing of now"


def test_a_breach_does_not_outlive_the_calls_for_long(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(300, failing=50)
    service.serve(60, rate=0)
    assert signal.breached(service.baseline)
    service.serve(180, rate=0)
    assert not signal.breached(service.baseline)


def test_fewer_than_ten_calls_say_nothing(signal: BurnRateSignal) -> None:
    service = Service()
    service.serve(9, failing=1, rate=1)
    assert not signal.breached(service.baseline)


def test_without_a_stated_level_there_is_no_budget() -> None:
    service = Service()
    service.serve(60, failing=100)
    assert not BurnRateSignal(Settings()).breached(service.baseline)


def windows(long: Moments, short: Moments) -> Baseline:
    """A baseline whose two windows hold these failures."""
    baseline = Baseline()
    baseline.series(Quantity.ERRORS, Scale.MINUTES).moments = long
    baseline.series(Quantity.ERRORS, Scale.SECONDS).moments = short
    return baseline


TENTH = BurnRateSignal(Settings.model_validate({"slo": {"success_rate": 0.9, "timeout": 1.5}}))
"""Signal of a service of which a tenth of the calls may fail."""
FAILING = Moments(weight=50.0, mean=0.5)


@pytest.mark.parametrize(
    ("long", "short", "breached"),
    [
        # Three deviations of 100 calls of which a tenth may fail are 9 points.
        (Moments(weight=100.0, mean=0.189), FAILING, False),
        (Moments(weight=100.0, mean=0.191), FAILING, True),
        # Ten calls at least.
        (Moments(weight=10.0, mean=0.9), FAILING, True),
        (Moments(weight=9.9, mean=0.9), FAILING, False),
        # The short window has to agree, once it holds three calls.
        (FAILING, Moments(weight=3.0, mean=0.09), False),
        (FAILING, Moments(weight=3.0, mean=0.11), True),
        (FAILING, Moments(weight=2.9, mean=0.09), True),
        # Calls of which the mean age is above five minutes are past.
        (Moments(weight=50.0, mean=0.5, age=299.0), FAILING, True),
        (Moments(weight=50.0, mean=0.5, age=301.0), FAILING, False),
    ],
)
def test_where_the_limits_are(long: Moments, short: Moments, *, breached: bool) -> None:
    assert TENTH.breached(windows(long, short)) is breached


@pytest.mark.parametrize(
    ("weight", "value", "samples", "seconds"), [(2.9, 0.25, 40, 300), (3.0, 0.35, 3, 10)]
)
def test_the_evidence_is_of_now_where_the_short_window_can_tell(
    weight: float, value: float, samples: int, seconds: int
) -> None:
    short = Moments(weight=weight, mean=0.35)
    evidence = TENTH.evidence(windows(Moments(weight=40.4, mean=0.25), short))
    assert (evidence.value, evidence.threshold, evidence.samples) == (value, 0.1, samples)
    assert evidence.detail == {
        "timeout_s": 1.5,
        "burn_rate_5min": 2.5,
        "burn_rate_10s": 3.5,
        "seconds": seconds,
    }
    without = BurnRateSignal(Settings()).evidence(Baseline())
    assert (without.threshold, without.detail["timeout_s"]) == (1, 0)
