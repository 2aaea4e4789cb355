from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from breakerd import Breaker, State
from breakerd.breaker.signals.trend import (
    TREND_SAMPLES,
    TRIPPING_TRENDS,
    TrendKind,
    _mann_kendall,
    classify,
    describe,
)
from breakerd.breaker.testing import ManualClock, simulate_call

MakeBreaker = Callable[..., Breaker]

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


PEAK_AND_FALL = {
    "straight": [320, 280, 260, 240, 220, 200, 180, 160, 150, 140, 130],
    "with noise": [320, 280, 285, 250, 255, 230, 235, 180, 190, 150, 120],
    "after a climb": [150, 200, 250, 320, 280, 260, 240, 200, 160, 120],
    "two slow ones": [310, 320, 280, 260, 240, 200, 160, 120],
    "held for a while": [320, 280, 280, 280, 260, 260, 240, 240],
}


@pytest.mark.parametrize("calm", [20, 40, 64])
@pytest.mark.parametrize("newest", PEAK_AND_FALL.values(), ids=PEAK_AND_FALL.keys())
def test_latency_that_has_been_falling_since_a_slow_call_does_not_rise(
    newest: list[float], calm: int
) -> None:
    latencies = [100.0] * calm
    for value in newest:
        latencies = [*latencies[1:], value]
        if value < 300 and max(latencies) > 300:
            assert classify(latencies, 300) not in TRIPPING_TRENDS


def test_latency_at_the_threshold_is_slow_no_longer() -> None:
    assert classify([100.0] * 20 + [320, 310, 300], 300) is TrendKind.FALLING
    assert classify([100.0] * 20 + [320, 310, 301], 300) is TrendKind.RISING


def test_a_single_slow_call_and_a_fall_do_not_open(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(
        latency_threshold=300, percentile=0.95, latency_window_size=20, trend_analysis_enabled=True
    )
    for ms in [100] * 20 + PEAK_AND_FALL["straight"]:
        assert simulate_call(breaker, clock, ms)
        breaker.tick()
        assert breaker.state is State.CLOSED
        assert not (ms < 300 and breaker.status()["has_positive_trend"] and not breaker.latency_ok)


@pytest.mark.parametrize(
    "newest", [[320, 340, 360], [320, 280, 350], [400, 390], [320, 330, 280, 340, 350, 290]]
)
def test_a_rise_that_goes_on_is_one(newest: list[float]) -> None:
    assert classify([100.0] * 18 + newest, 300) in TRIPPING_TRENDS


def test_an_old_outlier_hides_no_rise() -> None:
    climb = [150.0 + 8 * n + 15 * (n % 2) for n in range(20)]
    assert classify([100.0] * 20 + [900.0] + [100.0] * 23 + climb, 300) in RISING
    assert classify([100.0] * 20 + [900.0] + [100.0] * 23 + [*climb, 290.0], 300) in RISING


def test_equal_values_are_corrected_for() -> None:
    # S = 12; the variance is 456/18 with the correction for ties, 510/18 without.
    assert _mann_kendall([1, 1, 2, 2, 3, 3]) == pytest.approx(11 / (456 / 18) ** 0.5)
    assert _mann_kendall([3, 3, 2, 2, 1, 1]) == pytest.approx(-11 / (456 / 18) ** 0.5)
    assert _mann_kendall([1, 2, 3, 4, 5]) == pytest.approx(9 / (300 / 18) ** 0.5)
    assert _mann_kendall([5, 5, 5, 5, 5]) == 0.0
    assert classify([100.0] * 18 + [280, 320], 300) is TrendKind.RISING, "2.1 deviations, not 1.1"


@pytest.mark.parametrize(
    ("latencies", "kind"),
    [
        ([100, 200, 290], TrendKind.RISING),  # t = 32.9; 12.7 is significant with three samples
        ([100, 200, 250], TrendKind.FLAT),  # t = 5.2
        ([290, 200, 100], TrendKind.FALLING),
        ([100, 150, 220, 250], TrendKind.RISING),  # t = 9.8; 4.3 is significant with four
        ([100, 220, 150, 250], TrendKind.FLAT),  # t = 1.5
        ([250, 220, 150, 100], TrendKind.FALLING),
    ],
)
def test_three_or_four_samples_are_judged_by_their_slope(
    latencies: list[float], kind: TrendKind
) -> None:
    assert classify(latencies, 1000) is kind


def test_a_zigzag_needs_nine_samples_to_oscillate() -> None:
    zigzag = [200.0, 220.0, 210.0, 215.0, 205.0, 212.0, 208.0, 214.0, 209.0]
    assert classify(zigzag[:8], 1000) is TrendKind.FLAT, "six turns: 1.91 deviations"
    assert classify(zigzag, 1000) is TrendKind.OSCILLATING, "seven turns: 2.06 deviations"


@pytest.mark.parametrize(
    ("above", "below", "plateau"), [(4, 0, False), (5, 0, True), (7, 1, True), (6, 2, False)]
)
def test_a_plateau_has_its_median_above(above: int, below: int, plateau: bool) -> None:
    latencies = [350.0] * above
    for n in range(below):
        latencies.insert(1 + 3 * n, 300.0)  # at the threshold is not above it
    assert (classify(latencies, 300) is TrendKind.PLATEAU) is plateau
