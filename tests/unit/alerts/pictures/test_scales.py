"""Scales of the axes."""

from __future__ import annotations

import math

import pytest

from breakerd.alerts.pictures.scales import (
    count_text,
    date_text,
    latency_text,
    latency_tick,
    linear,
    scale_of,
    time_text,
    times,
)

BEGIN = 1_796_119_200.0


@pytest.mark.parametrize(
    ("highest", "high", "step"),
    [(0, 1, 0.5), (90, 100, 50), (100, 200, 100), (950, 1000, 500), (1e9, 2e9, 1e9)],
)
def test_a_linear_scale_ends_at_a_round_value_above_all(
    highest: float, high: float, step: float
) -> None:
    scale = linear(highest, ticks=2)
    assert (scale.low, scale.high) == (0, high)
    assert scale.ticks[1] == step
    assert scale.share(0) == 0
    assert scale.share(high) == 1
    assert scale.share(2 * high) == 1


def test_few_values_far_above_the_usual_make_it_logarithmic() -> None:
    assert not scale_of([100, 2500], usual=100).logarithmic
    scale = scale_of([100, 200_000], usual=100)
    assert scale.logarithmic
    assert scale.ticks == (100, 1e3, 1e4, 1e5, 1e6)
    assert scale.share(0) == 0
    assert scale.share(1e4) == pytest.approx(0.5)


def test_it_has_at_most_seven_decades() -> None:
    assert len(scale_of([1e-9, 1e6], usual=1.0).ticks) == 7


def test_what_is_no_number_is_left_out() -> None:
    assert scale_of([math.nan, math.inf, 90], usual=90).high == 100
    assert scale_of([], usual=0).high == 1
    assert scale_of([0, 1e6], usual=1).logarithmic


@pytest.mark.parametrize(
    ("span", "step", "number"),
    [
        (900, 120, 8),
        (1800, 300, 7),
        (60, 10, 7),
        (9, 1, 10),
        (86_400, 10_800, 8),
        (8.64e6, 1.0368e6, 8),
    ],
)
def test_named_times_are_round(span: float, step: float, number: int) -> None:
    named = times(BEGIN, BEGIN + span)
    assert abs(len(named) - number) <= 1
    assert all(at % step == 0 for at in named)
    assert BEGIN <= named[0] <= named[-1] <= BEGIN + span


def test_texts_have_units() -> None:
    assert [latency_text(each) for each in (0.02, 250, 1500, 190_000, 9e6)] == [
        "0.02 ms", "250 ms", "1.5 s", "3.17 min", "2.5 h",
    ]  # fmt: skip
    assert [latency_tick(each) for each in (0.1, 250, 1500, 1e6)] == [
        "0.1 ms", "250 ms", "1.5 s", "1,000 s",
    ]  # fmt: skip
    assert [count_text(each) for each in (0.5, 120, 1200, 12_000, 3.4e6)] == [
        "0.5", "120", "1200", "12k", "3.4M",
    ]  # fmt: skip
    assert time_text(BEGIN + 5, seconds=True) == "10:00:05"
    assert time_text(BEGIN + 5, seconds=False) == "10:00"
    assert date_text(BEGIN) == "1 Dec 2026"
