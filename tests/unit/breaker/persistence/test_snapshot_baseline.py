from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from breakerd import Breaker, Reason, SnapshotError, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call

MakeBreaker = Callable[..., Breaker]

SLO = {"success_rate": 0.95, "timeout": 1.0, "warmup": 60.0}
DAY = 86400.0


@pytest.fixture
def saved(make: MakeBreaker, clock: ManualClock) -> dict[str, Any]:
    """The snapshot of a breaker that has learnt for ten minutes."""
    breaker = make(slo=SLO)
    while clock() < 1600:
        simulate_call(breaker, clock, 100)
    assert breaker.state is State.CLOSED
    data: dict[str, Any] = json.loads(json.dumps(breaker.snapshot()))
    return data


def test_a_good_baseline_needs_no_new_warm_up(
    make: MakeBreaker, log: EventLog, saved: dict[str, Any]
) -> None:
    log.clear()
    breaker = make(slo=SLO)
    assert breaker.state is State.WARMING_UP
    breaker.restore(saved)
    assert breaker.state is State.CLOSED
    assert [change.reason for change in log.of(Transition)] == [Reason.RESTORED]
    series = breaker.baseline()["series"]["duration"]
    assert series["1day"]["mean"] == pytest.approx(0.1, rel=1e-3)
    assert breaker.estimate_slo() is not None


def test_an_older_one_shortens_it(
    make: MakeBreaker, clock: ManualClock, saved: dict[str, Any]
) -> None:
    saved["saved_at"] -= 1.5 * DAY
    breaker = make(slo=SLO)
    breaker.restore(saved)
    confidence = breaker.baseline()["confidence"]
    assert 0.1 < confidence < 0.9
    assert breaker.state is State.WARMING_UP
    clock.advance(60 * (1 - confidence) + 0.01)
    breaker.tick()
    assert breaker.state is State.CLOSED


def test_one_of_last_week_is_dropped_and_that_is_said(
    make: MakeBreaker, clock: ManualClock, saved: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    saved["saved_at"] -= 8 * DAY
    breaker = make(slo=SLO)
    with caplog.at_level(logging.WARNING, "breakerd.breaker.persistence.snapshot"):
        breaker.restore(saved)
    assert "old baseline dropped" in caplog.text
    assert breaker.baseline()["confidence"] == 0
    clock.advance(59)
    breaker.tick()
    assert breaker.state is State.WARMING_UP


def test_warming_up_goes_on_where_it_was(make: MakeBreaker, clock: ManualClock) -> None:
    old, new = make(slo=SLO), make(slo=SLO)
    for _ in range(300):
        simulate_call(old, clock, 100)
    assert old.state is State.WARMING_UP
    new.restore(old.snapshot())
    assert new.state is State.WARMING_UP
    clock.advance(31)
    new.tick()
    assert new.state is State.CLOSED


def test_an_open_breaker_stays_open_whatever_the_baseline(make: MakeBreaker) -> None:
    old, new = make(slo=SLO), make(slo=SLO)
    old.trip()
    new.restore(old.snapshot())
    assert new.state is State.OPEN


def test_version_1_is_still_restored(make: MakeBreaker, saved: dict[str, Any]) -> None:
    del saved["baseline"]
    breaker = make(slo=SLO)
    breaker.restore(saved | {"version": 1})
    assert breaker.state is State.CLOSED
    assert breaker.status()["window_calls"] == 64
    assert breaker.baseline()["confidence"] == 0


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ({"kept": [1, 2, 3]}, "baseline.kept"),
        ({"kept": [-1, 0, 0, 0, 0, 0]}, "baseline.kept"),
        ({"levels": {"colour": [0] * 6}}, "baseline.levels"),
        ({"more": 1}, "baseline.more"),
        (
            {
                "series": [
                    {"quantity": "rate", "scale": 10, "moments": [0] * 6, "histogram": [[999, 1]]}
                ]
            },
            "a histogram of rate has",
        ),
    ],
)
def test_a_damaged_baseline_changes_nothing(
    make: MakeBreaker, saved: dict[str, Any], damage: dict[str, Any], problem: str
) -> None:
    breaker = make(slo=SLO)
    saved["baseline"] |= damage
    with pytest.raises(SnapshotError, match=problem):
        breaker.restore(saved)
    assert breaker.state is State.WARMING_UP
