"""What the baseline promises for any calls, at any times."""

from __future__ import annotations

from math import exp, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.baseline import Baseline, Quantity, Scale
from breakerd.breaker.baseline.ddsketch import BucketLayout
from breakerd.breaker.baseline.moments import Moments
from breakerd.breaker.baseline.serialization import SavedBaseline, save
from breakerd.breaker.calls.totals import CallDelta

VALUES = st.floats(-1e6, 1e6)
STEPS = st.tuples(st.floats(0.01, 100), st.floats(0.1, 50), VALUES)
CLOCK = st.one_of(st.floats(0, 2), st.floats(-1e9, 1e9))
DURATIONS = st.lists(st.floats(0, 1e6), max_size=5)


@st.composite
def batches(draw: st.DrawFn) -> CallDelta:
    durations = draw(DURATIONS)
    ended = draw(st.integers(len(durations), 10**6)) if durations else draw(st.integers(0, 3))
    return CallDelta(
        admitted=draw(st.integers(0, 10**6)),
        rejected=draw(st.integers(0, 10**6)),
        ended=ended,
        errors=draw(st.integers(0, ended)),
        duration=sum(durations) * ended / max(1, len(durations)),
        in_flight=draw(st.integers(0, 10**6)),
        durations=durations,
    )


@given(st.lists(STEPS, min_size=1, max_size=30))
def test_moments_are_what_the_formulas_say(steps: list[tuple[float, float, float]]) -> None:
    moments, now = Moments(), 0.0
    values: list[tuple[float, float, float]] = []
    for pause, weight, value in steps:
        now += pause
        moments.decay(pause, exp(-pause / 50))
        moments.add(weight, value)
        values.append((now, weight, value))
    weights = [weight * exp(-(now - at) / 50) for at, weight, _ in values]
    total = sum(weights)
    if total < 1e-6:
        return
    mean = sum(w * v for w, (_, _, v) in zip(weights, values, strict=True)) / total
    variance = (
        sum(w * (v - mean) ** 2 for w, (_, _, v) in zip(weights, values, strict=True)) / total
    )
    assert moments.mean == pytest.approx(mean, rel=1e-6, abs=1e-3)
    assert moments.deviation**2 == pytest.approx(variance, rel=1e-4, abs=1e-2)


@given(st.floats(1e-3, 1e3))
def test_a_bucket_is_within_five_percent(value: float) -> None:
    buckets = BucketLayout(1e-3, 1e3, accuracy=0.05)
    assert buckets.value(buckets.index(value)) == pytest.approx(value, rel=0.0501)


@given(st.lists(st.tuples(CLOCK, batches(), st.sampled_from([0.0, 0.1, 1.0])), max_size=25))
def test_whatever_the_clock_and_the_calls_do_all_stays_finite(
    looks: list[tuple[float, CallDelta, float]],
) -> None:
    baseline, now = Baseline(), 0.0
    for step, batch, speed in looks:
        now += step
        baseline.observe(now, batch, learning_rate=speed)
    for scale in Scale:
        for quantity in Quantity:
            known = baseline.statistics(quantity, scale)
            assert known.mean >= 0
            assert known.deviation >= 0
            assert known.p50 <= known.p90 <= known.p95 <= known.p99
            assert isfinite(known.mean + known.deviation + known.derivative)
        assert baseline.statistics(Quantity.ERRORS, scale).mean <= 1 + 1e-9
    assert all(isfinite(baseline.deviation(q).z_score) for q in Quantity)
    assert 0 <= baseline.confidence(now) <= 1
    saved = SavedBaseline.model_validate_json(save(baseline).model_dump_json())
    assert 0 <= saved.restore(age=3600.0).confidence(0) <= 1
