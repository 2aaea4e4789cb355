from __future__ import annotations

from collections.abc import Callable

import pytest

from breakerd import Breaker, SettingsChanged, Slo, State
from breakerd.breaker.baseline import Baseline
from breakerd.breaker.baseline.slo_estimate import estimate
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

MakeBreaker = Callable[..., Breaker]

STATED = Slo(success_rate=0.95, timeout=1.0, warmup=30.0)


def learnt(seconds: int, *, duration: float = 0.1, errors: int = 0) -> Baseline:
    baseline = Baseline()
    for n in range(seconds + 1):
        baseline.observe(
            n,
            CallDelta(
                admitted=100,
                ended=100,
                errors=errors,
                duration=100 * duration,
                durations=[duration] * 64,
            ),
        )
    return baseline


def test_what_is_kept_is_rounded_to_the_safe_side() -> None:
    kept = estimate(learnt(300, errors=2), STATED, 300)
    assert kept is not None
    assert kept.success_rate == 0.979
    assert 0.12 <= kept.timeout <= 0.14
    assert kept.warmup == STATED.warmup


def test_without_a_failure_it_is_not_perfect() -> None:
    kept = estimate(learnt(300), STATED, 300)
    assert kept is not None
    assert 0.998 < kept.success_rate < 1


def test_a_stated_timeout_that_is_too_short_is_told() -> None:
    kept = estimate(learnt(300, duration=3.0), STATED, 300)
    assert kept is not None
    assert kept.timeout > 3
    assert kept.success_rate > STATED.success_rate


@pytest.mark.parametrize(
    "baseline",
    [
        learnt(5),
        learnt(30),
        learnt(300, errors=100),
        learnt(300, duration=5000.0),
        learnt(300, duration=1e-6),
    ],
)
def test_nothing_is_said_that_could_not_be_stated(baseline: Baseline) -> None:
    assert estimate(baseline, STATED, 300) is None


def test_a_breaker_reports_it_beside_the_stated_one(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=STATED.model_dump() | {"warmup": 0.0})
    assert breaker.estimate_slo() is None
    for n in range(2000):
        simulate_call(breaker, clock, 100, error=n % 50 == 0)
    kept = breaker.estimate_slo()
    assert kept is not None
    assert kept.success_rate == pytest.approx(0.979, abs=0.002)
    report = breaker.status()["slo"]
    assert report is not None
    assert report["estimate"] == {
        "success_rate": kept.success_rate,
        "timeout_seconds": kept.timeout,
    }
    assert report["stated_success_rate"] == 0.95


def test_without_a_stated_level_there_is_none_to_revise(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make()
    for _ in range(2000):
        simulate_call(breaker, clock, 100)
    assert breaker.estimate_slo() is None
    assert breaker.status()["slo"] is None


def test_revising_warms_nothing_up(make: MakeBreaker, clock: ManualClock, log: EventLog) -> None:
    breaker = make(slo=STATED.model_dump() | {"warmup": 0.0}, latency_threshold=400)
    simulate_call(breaker, clock, 100)
    stricter = Slo(success_rate=0.999, timeout=0.2, warmup=60.0)
    breaker.apply_slo(stricter)
    assert breaker.state is State.CLOSED
    assert breaker.settings.slo == stricter
    assert breaker.settings.watches_latency, "a threshold that was set still counts"
    assert breaker.status()["window_calls"] == 1
    (change,) = log.of(SettingsChanged)
    assert list(change.changed) == ["slo"]
    breaker.apply_slo(None)
    assert breaker.settings.slo is None


def test_a_changed_timeout_counts_from_the_next_call(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(slo=STATED.model_dump() | {"warmup": 0.0})
    breaker.apply_slo(Slo(success_rate=0.95, timeout=0.05))
    for _ in range(10):
        simulate_call(breaker, clock, 60)
    assert breaker.state is State.OPEN
