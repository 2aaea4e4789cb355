from __future__ import annotations

from math import exp

import pytest

from breakerd.breaker.baseline.moments import Moments


def test_mean_and_deviation_are_those_of_statistics() -> None:
    moments = Moments()
    for value in (2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0):
        moments.add(1, value)
    assert (moments.mean, moments.deviation) == (5.0, pytest.approx(2.0))


def test_a_group_counts_like_its_members() -> None:
    grouped, single = Moments(), Moments()
    for moments in (grouped, single):
        moments.add(3, 10.0)
    grouped.add(2, 2.0, squares=2.0)
    single.add(1, 1.0)
    single.add(1, 3.0)
    assert grouped.mean == pytest.approx(single.mean)
    assert grouped.deviation == pytest.approx(single.deviation)


def test_the_past_fades() -> None:
    moments = Moments()
    moments.add(1, 100.0)
    moments.decay(5, exp(-1))
    moments.add(1, 0.0)
    assert moments.mean == pytest.approx(100 * exp(-1) / (1 + exp(-1)))


@pytest.mark.parametrize("pause", [0.1, 1.0, 20.0])
def test_the_slope_of_a_line_is_exact_from_the_second_value_on(pause: float) -> None:
    moments = Moments()
    for n in range(50):
        moments.decay(pause, 0.9)
        moments.add(1 + n % 3, 7 - 3.0 * n * pause)
        assert moments.slope == pytest.approx(-3.0 if n else 0.0)


def test_all_that_is_left_at_last_is_the_mean() -> None:
    moments = Moments()
    moments.add(1, 3.0)
    moments.decay(1, 0.9)
    moments.add(1, 5.0)
    moments.decay(1e9, 0.0)
    assert (moments.mean, moments.weight, moments.deviation, moments.slope) == (
        pytest.approx(4.05, abs=0.01),
        0,
        0,
        0,
    )
    moments.add(1, 8.0)
    assert moments.mean == 8.0


def test_a_deviation_small_beside_its_mean_does_not_cancel_away() -> None:
    moments = Moments()
    for n in range(10_000):
        moments.decay(1, 0.999)
        moments.add(1, 1e9 + n % 2)
    assert moments.deviation == pytest.approx(0.5, rel=1e-3)
