"""The latency signal by itself: when it is breached, what it tells, how often it looks again."""

from __future__ import annotations

import pytest

from breakerd import Settings, Signal, Slo
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.signals import latency
from breakerd.breaker.signals.latency import LatencySignal
from breakerd.breaker.signals.trend import TrendKind


def window_of(*milliseconds: float, size: int = 64, threshold: float = 300) -> SlidingWindow:
    window = SlidingWindow(size, 60.0, 0.95, threshold / 1000)
    for n, each in enumerate(milliseconds):
        window.add(float(n), each / 1000, error=False)
    return window


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"minimum_calls": 7, "trend_analysis_enabled": False}, 7),
        ({"minimum_calls": 7, "trend_analysis_min_sample_count": 9}, 9),
        ({"minimum_calls": 70, "trend_analysis_enabled": False}, 64),
        ({"trend_analysis_min_sample_count": 90}, 64),
    ],
)
def test_how_many_calls_it_wants(settings: dict[str, float], wanted: int) -> None:
    on = {"trend_analysis_enabled": True} | settings
    signal = LatencySignal(Settings.model_validate({"latency_threshold": 300} | on))
    assert signal.min_calls == wanted
    slow = [500.0] * wanted
    assert signal.breached(window_of(*slow))
    assert not signal.breached(window_of(*slow[1:]))
    assert not signal.breached(window_of(*[300.0] * 64)), "at the threshold is not above it"


def test_without_a_threshold_nothing_is_breached() -> None:
    slo = Slo(success_rate=0.95, timeout=1.0)
    slow = window_of(*[500.0] * 64)
    assert not LatencySignal(Settings(slo=slo)).breached(slow)
    assert LatencySignal(Settings(slo=slo, latency_threshold=300)).breached(slow)


def test_without_trend_analysis_a_breach_trips_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "classify", pytest.fail)
    signal = LatencySignal(Settings(latency_threshold=300, trend_analysis_enabled=False))
    assert signal.trips(window_of(500, 400, 310))


def test_the_evidence() -> None:
    durations = [310.0, 320.0, 330.0, 340.0, 350.0, 360.0, 370.0, 380.0, 390.0, 400.1234]
    settings = Settings(latency_threshold=325, percentile=0.9)
    window = SlidingWindow(64, 60.0, 0.9, 0.325)
    for n, each in enumerate(durations):
        window.add(float(n), each / 1000, error=False)
    evidence = LatencySignal(settings).evidence(window)
    assert (evidence.signal, evidence.unit) == (Signal.LATENCY, "ms")
    assert (evidence.value, evidence.threshold, evidence.samples) == (400.123, 325, 10)
    assert evidence.detail == {
        "percentile_name": "p90",
        "slow_calls": 8,
        "slowest_ms": 400.123,
        "trend": "rising",
        "slope_percent_per_call": pytest.approx(100 * 10 / 355, abs=1e-3),
    }


def test_the_evidence_of_an_empty_window() -> None:
    evidence = LatencySignal(Settings(latency_threshold=300)).evidence(window_of())
    assert evidence.samples == 0
    assert evidence.detail["slowest_ms"] == 0.0
    assert evidence.detail["trend"] == "flat"


@pytest.mark.parametrize(("size", "calls", "every"), [(64, 64, 8), (64, 20, 2), (512, 512, 16)])
def test_the_trend_is_looked_at_again_once_an_eighth_is_new(
    monkeypatch: pytest.MonkeyPatch, size: int, calls: int, every: int
) -> None:
    looked: list[tuple[int, float]] = []

    def look(durations: list[float], threshold: float) -> TrendKind:
        looked.append((len(durations), threshold))
        return TrendKind.FLAT

    monkeypatch.setattr(latency, "classify", look)
    settings = Settings(
        latency_threshold=300, latency_window_size=size, trend_analysis_enabled=True
    )
    signal = LatencySignal(settings)
    window = window_of(*[400.0] * calls, size=size)
    assert not signal.trips(window)
    assert looked == [(min(calls, 128), 0.3)]
    for n in range(every - 1):
        window.add(1000.0 + n, 0.4, error=False)
        signal.trips(window)
    assert len(looked) == 1
    window.add(2000.0, 0.4, error=False)
    signal.trips(window)
    assert len(looked) == 2


def test_an_empty_window_is_looked_at_once_it_has_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(durations: list[float], _threshold: float) -> TrendKind:
        looked.append(len(durations))
        return TrendKind.FLAT

    monkeypatch.setattr(latency, "classify", look)
    signal = LatencySignal(Settings(latency_threshold=300, trend_analysis_enabled=True))
    signal.trips(window_of())
    signal.trips(window_of(400.0))
    assert looked == [0, 1]
