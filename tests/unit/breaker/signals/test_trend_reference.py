"""Trend against its definition, written out naively, on small windows near the limits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from math import inf, sqrt
from statistics import median

import pytest

from breakerd.breaker.signals.trend import TREND_SAMPLES, TrendKind, classify, describe

RISES = {TrendKind.RISING, TrendKind.OSCILLATING_RISING}
OSCILLATES = {TrendKind.OSCILLATING, TrendKind.OSCILLATING_RISING}
T_LIMIT = {3: 12.706, 4: 4.303}
"""Two-sided 5 % points of Student's t, by number of samples."""


def sign(number: float) -> int:
    return (number > 0) - (number < 0)


def kendall(values: Sequence[float]) -> float:
    """The deviate of Kendall's score: all pairs, with groups of ties taken off the variance."""
    score = sum(sign(later - earlier) for earlier, later in combinations(values, 2))
    n = len(values)
    groups = [list(values).count(value) for value in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in groups)) / 18
    return (score - sign(score)) / sqrt(variance) if score else 0.0


def student(values: Sequence[float]) -> float:
    """Student's t of the least-squares line, by covariances."""
    n = len(values)
    x, y = (n - 1) / 2, sum(values) / n
    sxx = sum((i - x) ** 2 for i in range(n))
    syy = sum((value - y) ** 2 for value in values)
    sxy = sum((i - x) * (value - y) for i, value in enumerate(values))
    rest = syy - sxy * sxy / sxx
    if rest < 1e-12 * syy or not syy:
        return inf * sign(sxy) if sxy else 0.0
    return (sxy / sxx) / sqrt(rest / (n - 2) / sxx)


def direction(values: Sequence[float]) -> int:
    if len(values) < 5:
        deviate, limit = student(values), T_LIMIT[len(values)]
    else:
        deviate, limit = kendall(values), 1.96
    return sign(deviate) if abs(deviate) > limit else 0


def turns(values: Sequence[float]) -> int:
    triples = zip(values, values[1:], values[2:], strict=False)
    return sum((b - a) * (c - b) < 0 for a, b, c in triples)


def oscillates(values: Sequence[float]) -> bool:
    n = len(values)
    return (turns(values) - 2 * (n - 2) / 3) / sqrt((16 * n - 29) / 90) > 1.96


def windows(seed: int, count: int, *, most: int = 24) -> list[list[float]]:
    """Windows of few levels, so with ties, and with a slope near what can be told from noise."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        size, slope = chance.randint(3, most), chance.uniform(-1.5, 1.5)
        noise = chance.choice([1, 3, 6])
        found.append([100.0 + round(slope * n + chance.randint(0, noise)) for n in range(size)])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_rise_and_fall_are_kendalls(seed: int) -> None:
    for values in windows(seed, 600):
        way = direction(values)
        found = classify(values, inf)
        assert (found in RISES) == (way > 0), values
        assert (found is TrendKind.FALLING) == (way < 0), values


def test_three_and_four_samples_are_students() -> None:
    chance = random.Random(7)
    ways = []
    for _ in range(3000):
        slope = chance.choice([-1, 1])
        size = chance.choice([3, 4])
        values = [100 + slope * 9 * n + chance.gauss(0, 1.5) for n in range(size)]
        way = direction(values)
        ways.append(way)
        found = classify(values, inf)
        assert (found in RISES, found is TrendKind.FALLING) == (way > 0, way < 0), values
    assert min(ways.count(-1), ways.count(0), ways.count(1)) > 100


def test_a_line_is_a_rise_whatever_rounding_leaves() -> None:
    assert classify([0.1, 0.2, 0.3], inf) is TrendKind.RISING
    assert classify([0.3, 0.2, 0.1], inf) is TrendKind.FALLING
    assert classify([1e-9, 2e-9, 3e-9, 4e-9], inf) is TrendKind.RISING
    assert classify([5.0, 5.0, 5.0], inf) is TrendKind.FLAT


def test_oscillation_is_that_of_turning_points() -> None:
    chance = random.Random(11)
    seen = set()
    for _ in range(2000):
        size = chance.randint(3, 40)
        # Alternating up to a number of steps that go on in the same direction.
        values, up = [100.0], True
        for _ in range(size - 1):
            values.append(values[-1] + (1 if up else -1) * chance.choice([0, 1, 1, 2, 2, 2]))
            up = up if chance.random() < 0.2 else not up
        expected = oscillates(values)
        seen.add(expected)
        found = classify(values, inf)
        if direction(values) >= 0:
            assert (found in OSCILLATES) == expected, values
    assert seen == {True, False}


def test_a_plateau_is_that_of_signs() -> None:
    chance = random.Random(13)
    seen: set[TrendKind] = set()
    for values in windows(13, 3000, most=40):
        way = direction(values)
        if way > 0:
            continue
        threshold = chance.choice(sorted(set(values))) - chance.choice([0.0, 0.5])
        n, above = len(values), sum(value > threshold for value in values)
        significant = (above - (n - above) - 1) / sqrt(n) > 1.645
        expected = significant and (way == 0 or above == n)
        found = classify(values, threshold)
        seen.add(found)
        assert (found is TrendKind.PLATEAU) == expected, (values, threshold)
    assert {TrendKind.PLATEAU, TrendKind.FALLING, TrendKind.FLAT} <= seen


def test_the_slope_is_the_median_of_all_pairs() -> None:
    for values in windows(17, 300):
        slopes = [(values[j] - values[i]) / (j - i) for i, j in combinations(range(len(values)), 2)]
        assert describe(values, inf).slope == pytest.approx(median(slopes) / median(values))


def test_two_calls_have_a_slope_and_no_trend() -> None:
    trend = describe([100.0, 110.0], 50)
    assert trend.kind is TrendKind.FLAT
    assert trend.slope == pytest.approx(10 / 105)


def test_only_the_newest_128_calls_count() -> None:
    assert TREND_SAMPLES == 128
    # 128 equal calls after one that is far slower: the older one shows a fall in no way.
    values = [*(200.0 - n for n in range(100)), *[100.0] * 127]
    assert describe([*values, 100.0], inf) == describe([100.0] * 128, inf)
    rising = [float(n) for n in range(128)]
    with_older = describe([1e6, *rising], inf)
    assert with_older == describe(rising, inf)
    assert with_older.slope == pytest.approx(1 / 63.5)
