"""The cost of a simulation, and what its longer steps leave as it was."""

from __future__ import annotations

import pytest

from breakerd import Breaker, Settings, Slo
from breakerd.breaker.replay import CallRecord, Outcome, replay, simulator

THRESHOLD = Settings(latency_threshold=1000)
SERVICE_LEVEL = Settings(slo=Slo(success_rate=0.95, timeout=1.0))


def ticks_of(
    monkeypatch: pytest.MonkeyPatch, trace: list[CallRecord], settings: Settings
) -> tuple[int, Outcome]:
    """Return the number of ticks, which is what a replay costs, and the outcome."""
    ticks = 0
    tick = Breaker.tick

    def count(breaker: Breaker) -> float:
        nonlocal ticks
        ticks += 1
        return tick(breaker)

    with monkeypatch.context() as patch:
        patch.setattr(Breaker, "tick", count)
        (outcome,) = replay(trace, settings).outcomes
    return ticks, outcome


@pytest.mark.parametrize("settings", [THRESHOLD, SERVICE_LEVEL], ids=["threshold", "slo"])
@pytest.mark.parametrize(
    "trace",
    [
        [CallRecord(n / 10, 8e7 + n) for n in range(300)],
        [CallRecord(n / 5, 5e4 + 300 * n) for n in range(300)],
        [CallRecord(n * 8e4, 86_400) for n in range(300)],
        [CallRecord(n * 1000, 1500, error=True) for n in range(300)],
        [CallRecord(0, 1e7), *(CallRecord(n * 3e4, 0.1) for n in range(299))],
    ],
    ids=["nanoseconds as seconds", "microseconds as seconds", "days", "failing", "one for ever"],
)
def test_the_cost_follows_the_calls_and_not_their_length(
    monkeypatch: pytest.MonkeyPatch, trace: list[CallRecord], settings: Settings
) -> None:
    ticks, outcome = ticks_of(monkeypatch, trace, settings)
    assert ticks < 40_000
    assert outcome.admitted.total + outcome.rejected.total == 300


def test_a_hang_into_silence_is_found_as_early(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(slo=Slo(success_rate=0.95, timeout=30.0, warmup=10))
    trace = [CallRecord(n / 10, 0.05) for n in range(3000)]
    trace += [CallRecord(300 + n / 10, 500.0) for n in range(40)]
    _, outcome = ticks_of(monkeypatch, trace, settings)
    monkeypatch.setattr(simulator, "_QUIET_SHARE", 0.0)
    _, exact = ticks_of(monkeypatch, trace, settings)
    (found,), (wanted,) = outcome.trips, exact.trips
    assert 330 < wanted.at < 360
    assert found.at == pytest.approx(wanted.at, abs=0.05 * (wanted.at - 304))
    assert found.bad_since == wanted.bad_since == 300


def test_the_last_call_in_flight_is_still_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = [CallRecord(n / 10, 0.05) for n in range(20)]
    alone, _ = ticks_of(monkeypatch, trace, THRESHOLD)
    hanging, _ = ticks_of(monkeypatch, [*trace, CallRecord(2, 60)], THRESHOLD)
    # Time passes for the breaker while it hangs, as in a service.
    assert hanging > alone + 20
