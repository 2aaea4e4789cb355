from __future__ import annotations

import random

import pytest

from breakerd.breaker.signals.trend import (
    TREND_SAMPLES,
    TRIPPING_TRENDS,
    TrendKind,
    classify,
    describe,
)

RISING = {TrendKind.RISING, TrendKind.OSCILLATING_RISING}

TRIP = {
    "saw-tooth with a slow rise": [310, 330, 320, 340, 330, 350, 340, 360, 350, 370],
    "saw-tooth with wide teeth": [310, 360, 320, 370, 330, 380, 340, 390, 350, 400],
    "stairs": [310] * 3 + [350] * 3 + [390] * 3 + [430],
    "rise into a plateau": [310, 320, 330, 340] + [350] * 6,
    "plateau": [350] * 10,
    "noisy plateau": [400] * 3 + [380, 390, 385, 395, 390, 385, 395],
    "falling, but all above": list(range(500, 300, -20)),
    "three on a rising line": [310, 320, 330],
}


@pytest.mark.parametrize("factor", [1, 10, 0.001, 1 / 3])
@pytest.mark.parametrize("latencies", TRIP.values(), ids=TRIP.keys())
def test_trips_whatever_the_unit(latencies: list[float], factor: float) -> None:
    assert classify([x * factor for x in latencies], 300 * factor) in TRIPPING_TRENDS


@pytest.mark.parametrize("factor", [1, 10, 0.001, 1 / 3])
@pytest.mark.parametrize(
    ("latencies", "kind"),
    [
        ([500, 450, 400], TrendKind.FALLING),
        ([350, 350, 350], TrendKind.FLAT),
        ([310, 320], TrendKind.FLAT),
        ([], TrendKind.FLAT),
        ([340, 320, 335, 322, 331, 324, 333, 321], TrendKind.PLATEAU),
        ([500, 450, 400, 350, 310, 280, 250, 220, 190, 150], TrendKind.FALLING),
        ([250, 350] * 6, TrendKind.OSCILLATING),
        ([100, 400, 120, 420, 140, 440, 160, 460, 180, 480], TrendKind.OSCILLATING_RISING),
        ([100, 105, 110, 90, 80, 85, 900, 120, 110, 100], TrendKind.FLAT),
        ([10, 20, 30, 40, 50, 60, 70], TrendKind.RISING),
    ],
)
def test_names_what_it_sees(latencies: list[float], kind: TrendKind, factor: float) -> None:
    assert classify([x * factor for x in latencies], 300 * factor) is kind


@pytest.mark.parametrize("size", [3, 4, 5, 8, 10, 20, 64, 128])
def test_stationary_noise_is_seldom_called_rising(size: int) -> None:
    rng = random.Random(size)
    said = sum(
        classify([rng.lognormvariate(0, 0.5) for _ in range(size)], 1.0) in RISING
        for _ in range(10_000)
    )
    assert said <= 500


def test_a_true_rise_under_noise_is_seen() -> None:
    rng = random.Random(2)
    seen = sum(
        classify([rng.lognormvariate(0, 0.5) * 1.02**i for i in range(64)], 1e9) in RISING
        for _ in range(2000)
    )
    assert seen >= 1900


def test_slope_is_relative_to_the_median() -> None:
    assert describe([100, 102, 104, 106, 108], 50).slope == pytest.approx(2 / 104)
    assert describe([0.0, 0.0, 0.0], 50).slope == 0.0
    assert describe([5.0], 50).slope == 0.0
    assert describe([], 50).slope == 0.0


def test_only_the_newest_samples_are_judged() -> None:
    old_rise = [float(i) for i in range(1000)]
    assert describe(old_rise + [400.0] * TREND_SAMPLES, 300).kind is TrendKind.PLATEAU
