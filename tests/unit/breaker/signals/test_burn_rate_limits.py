"""Burn rates at their limits: what of the two windows decides, and what the evidence says."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from types import SimpleNamespace

import pytest

from breakerd import Settings, Signal, Slo
from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.signals.burn_rate import BurnRateSignal

SLO = Settings(slo=Slo(success_rate=0.9, timeout=2.0))
BUDGET = 0.1


@dataclass
class Moments:
    mean: float
    weight: float
    age: float = 0.0


class Windows:
    """A baseline that holds just these two windows of errors."""

    def __init__(self, long: Moments, short: Moments) -> None:
        self._moments = {Scale.MINUTES: long, Scale.SECONDS: short}

    def series(self, quantity: Quantity, scale: Scale) -> SimpleNamespace:
        assert quantity is Quantity.ERRORS
        return SimpleNamespace(moments=self._moments[scale])


def breached(long: Moments, short: Moments, settings: Settings = SLO) -> bool:
    return BurnRateSignal(settings).breached(Windows(long, short))  # type: ignore[arg-type]  # all it reads


BURNING = Moments(0.5, 100)


@pytest.mark.parametrize(("weight", "expected"), [(9.999, False), (10.0, True), (10.5, True)])
def test_ten_calls_say_something(weight: float, expected: bool) -> None:
    assert breached(Moments(1.0, weight), BURNING) is expected


@pytest.mark.parametrize(("age", "expected"), [(299.9, True), (300.0, True), (300.1, False)])
def test_a_window_is_about_now_for_five_minutes(age: float, expected: bool) -> None:
    assert breached(Moments(1.0, 100, age), BURNING) is expected


@pytest.mark.parametrize("weight", [10, 25, 100, 10_000])
def test_what_three_deviations_explain_is_chance(weight: float) -> None:
    limit = BUDGET + 3 * sqrt(BUDGET * (1 - BUDGET) / weight)
    assert breached(Moments(limit + 1e-6, weight), BURNING)
    assert not breached(Moments(limit - 1e-6, weight), BURNING)


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        (Moments(0.11, 3.0), True),
        (Moments(1 - 0.9, 3.0), False),
        (Moments(0.0, 3.0), False),
        (Moments(0.0, 2.999), True),
        (Moments(0.0, 0.0), True),
        (Moments(0.0, 4.0), False),
    ],
)
def test_the_short_window_shows_that_it_goes_on(short: Moments, expected: bool) -> None:
    assert breached(Moments(0.5, 100), short) is expected


def test_without_a_stated_level_nothing_burns() -> None:
    assert not breached(Moments(1.0, 1000), Moments(1.0, 100), Settings())
    baseline = Windows(Moments(0.5, 100), Moments(1.0, 5))
    signal = BurnRateSignal(Settings())
    assert signal.burn_rate(baseline, Scale.MINUTES) == 0.5  # type: ignore[arg-type]  # all it reads
    evidence = signal.evidence(baseline)  # type: ignore[arg-type]  # all it reads
    assert (evidence.threshold, evidence.detail["timeout_s"]) == (1.0, 0.0)


def test_the_evidence_is_of_the_short_window_if_that_has_calls() -> None:
    few = Windows(Moments(0.2, 40), Moments(0.5, 2.9))
    enough = Windows(Moments(0.2, 40), Moments(0.5, 3))
    signal = BurnRateSignal(SLO)
    of_few = signal.evidence(few)  # type: ignore[arg-type]  # all it reads
    of_enough = signal.evidence(enough)  # type: ignore[arg-type]  # all it reads
    assert (of_few.value, of_few.detail["seconds"]) == (0.2, 300)
    assert (of_enough.value, of_enough.detail["seconds"]) == (0.5, 10)


def test_the_evidence_of_the_long_window_names_both_rates() -> None:
    baseline = Windows(Moments(0.23456789, 41.6), Moments(0.5, 7))
    settings = Settings(slo=Slo(success_rate=0.987654321, timeout=2.0))
    evidence = BurnRateSignal(settings).evidence(baseline, Scale.MINUTES)  # type: ignore[arg-type]  # all it reads
    assert (evidence.signal, evidence.unit) == (Signal.SLO, "fraction")
    assert (evidence.value, evidence.threshold, evidence.samples) == (0.234568, 0.012346, 42)
    rates = {"burn_rate_5min": 19.0, "burn_rate_10s": 40.5}
    assert evidence.detail == {"timeout_s": 2.0, **rates, "seconds": 300}
    uneven = BurnRateSignal(Settings(slo=Slo(success_rate=0.93, timeout=2.0))).evidence(baseline)  # type: ignore[arg-type]  # all it reads
    rates = {"burn_rate_5min": 3.351, "burn_rate_10s": 7.143}
    assert uneven.detail == {"timeout_s": 2.0, **rates, "seconds": 10}


def test_a_new_baseline_has_burnt_nothing() -> None:
    assert BurnRateSignal(SLO).burn_rate(Baseline(), Scale.MINUTES) == 0.0
