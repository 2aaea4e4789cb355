from __future__ import annotations

import random

import pytest

from breakerd.breaker.baseline.ddsketch import BucketLayout, DDSketch

LAYOUT = BucketLayout(1e-3, 100.0, accuracy=0.05)


def filled(*values: float) -> DDSketch:
    sketch = DDSketch(LAYOUT)
    for value in values:
        sketch.add_weight(LAYOUT.index(value), 1)
    return sketch


def test_percentiles_are_exact_to_five_percent() -> None:
    chance = random.Random(3)
    values = sorted(chance.lognormvariate(0, 1) for _ in range(5000))
    sketch = filled(*values)
    for rank in (0.01, 0.5, 0.9, 0.95, 0.99, 0.999):
        exact = values[round(rank * len(values)) - 1]
        assert sketch.weighted_percentiles(rank)[0] == pytest.approx(exact, rel=0.051)


def test_what_is_out_of_range_counts_at_its_end() -> None:
    sketch = filled(0.0, 1e-9, 1e9)
    assert sketch.weighted_percentiles(0.5) == [0.0]
    assert sketch.weighted_percentiles(1.0)[0] == pytest.approx(100.0, rel=0.05)


def test_nothing_has_percentiles_of_zero() -> None:
    assert DDSketch(LAYOUT).weighted_percentiles(0.5, 0.99) == [0.0, 0.0]


def test_the_past_fades_however_long_it_runs() -> None:
    sketch = filled(*[50.0] * 1000)
    for _ in range(3000):
        sketch.decay(0.8)
        sketch.add_weight(LAYOUT.index(1.0), 1)
    assert sketch.weighted_percentiles(0.99)[0] == pytest.approx(1.0, rel=0.05)
    assert sum(weight for _, weight in sketch.items()) == pytest.approx(5.0, rel=1e-6)


def test_fading_to_nothing_leaves_nothing() -> None:
    sketch = filled(1.0)
    sketch.decay(0.0)
    assert sketch.weighted_percentiles(0.5) == [0.0]
    sketch.add_weight(LAYOUT.index(2.0), 1)
    assert sketch.weighted_percentiles(0.5)[0] == pytest.approx(2.0, rel=0.05)
