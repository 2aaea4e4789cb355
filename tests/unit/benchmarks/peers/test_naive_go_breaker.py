from __future__ import annotations

import pytest

from benchmarks.peers.naive_go_breaker import NaiveGoBreaker


def test_opens_at_the_percentile_and_closes_after_the_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    breaker = NaiveGoBreaker(window=20, threshold=50, percentile=0.9, wait=10)
    for _ in range(18):
        breaker.done(0, 0.01)
    breaker.done(0, 0.1)
    assert breaker.allow()  # one of 19
    breaker.done(0, 0.1)
    assert not breaker.allow()
    now[0] += 10
    assert breaker.allow()
    assert breaker.samples == []


def test_with_trend_it_opens_only_on_a_rise_or_a_plateau() -> None:
    samples = [100.0 if n % 4 == 0 else 10.0 for n in range(64)]
    flat = NaiveGoBreaker(threshold=50, trend=True, samples=samples)
    for n in range(64):
        flat.done(0, samples[n] / 1000)
    assert flat.too_slow()
    assert not flat.tripped
    rising = NaiveGoBreaker(window=16, threshold=50, trend=True)
    for n in range(20):
        rising.done(0, 0.004 * n)
    assert rising.tripped
    plateau = NaiveGoBreaker(window=16, threshold=50, trend=True)
    for _ in range(10):
        plateau.done(0, 0.08)
    assert plateau.tripped


def test_short_of_memory_it_lets_nothing_in() -> None:
    assert not NaiveGoBreaker(memory_used=80).allow()
