from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from breakerd import Breaker, Reason, SnapshotError, State, Transition
from breakerd.breaker.testing import EventLog, ManualClock, simulate_call
from tests.support.driven_calls import FAST, recover

MakeBreaker = Callable[..., Breaker]


def through_json(data: dict[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(json.dumps(data))
    return loaded


def test_a_restart_keeps_the_window(make: MakeBreaker, clock: ManualClock) -> None:
    old, new = make(latency_threshold=300), make(latency_threshold=300)
    for ms, error in ((100, False), (500, True), (200, False)):
        simulate_call(old, clock, ms, error=error)
    new.restore(through_json(old.snapshot()))
    assert new.status()["recent_latencies_ms"] == [100, 500, 200]
    assert new.status()["error_rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert new.in_flight == 0
    assert new.counters().success == 0


def test_an_open_breaker_waits_for_the_rest(
    make: MakeBreaker, clock: ManualClock, log: EventLog
) -> None:
    old = make()
    old.trip("because")
    clock.advance(4)
    saved = old.snapshot()
    log.clear()
    new = make()
    new.restore(through_json(saved))
    assert new.state is State.OPEN
    assert new.retry_after == pytest.approx(6, abs=0.5)
    assert new.status()["note"] == "because"
    assert log.of(Transition)[0].reason is Reason.RESTORED


def test_time_in_between_counts_as_passed(make: MakeBreaker, clock: ManualClock) -> None:
    old = make()
    simulate_call(old, clock, 100)
    old.trip()
    saved = through_json(old.snapshot())
    saved["saved_at"] -= 3600
    new = make()
    new.restore(saved)
    assert new.retry_after == 0
    assert new.status()["window_calls"] == 0
    new.tick()
    assert new.state is State.HALF_OPEN


@pytest.mark.parametrize(("seconds", "wait"), [(9, 0.5), (11, 0.25)])
def test_a_restart_is_no_good_spell(
    make: MakeBreaker, clock: ManualClock, seconds: float, wait: float
) -> None:
    """After three relapses the wait is doubled, unless it was well for ten seconds."""
    old, new = make(error_threshold=0.5), make(error_threshold=0.5)
    for _ in range(3):
        fail_until_open(old, clock)
        recover(old, clock)
    saved = through_json(old.snapshot())
    saved["saved_at"] -= seconds
    new.restore(saved)
    fail_until_open(new, clock)
    assert new.retry_after == pytest.approx(wait)


def test_a_snapshot_without_relapses_has_none(make: MakeBreaker, clock: ManualClock) -> None:
    saved = make().snapshot()
    del saved["relapses"], saved["good_spell_left"]
    new = make(error_threshold=0.5)
    new.restore(saved)
    fail_until_open(new, clock)
    assert new.retry_after == 0.25


def fail_until_open(breaker: Breaker, clock: ManualClock) -> None:
    while breaker.state is not State.OPEN:
        simulate_call(breaker, clock, FAST, error=True)


@pytest.mark.parametrize("mode", ["disable", "observe", "force_open"])
def test_what_an_operator_wants_survives(make: MakeBreaker, mode: str) -> None:
    old, new = make(), make()
    getattr(old, mode)()
    new.restore(old.snapshot())
    assert new.state is old.state
    new.restore(old.snapshot())
    assert new.state is old.state


def test_half_open_begins_its_probes_anew(make: MakeBreaker, clock: ManualClock) -> None:
    old, new = make(), make()
    old.trip()
    clock.advance(10)
    assert old.allow()
    new.restore(old.snapshot())
    assert new.state is State.OPEN
    assert new.allow() or new.tick() == 0 or new.allow()
    assert new.state is State.HALF_OPEN


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 3},
        {"window": [[-1, 2, False]]},
        {"automatic": "FORCED_OPEN"},
        {"failures": -1},
        {"unknown": 1},
        {"saved_at": "yesterday"},
    ],
)
def test_damaged_data_changes_nothing(make: MakeBreaker, damage: dict[str, Any]) -> None:
    breaker = make()
    breaker.trip()
    with pytest.raises(SnapshotError, match=next(iter(damage))):
        breaker.restore(breaker.snapshot() | damage)
    assert breaker.state is State.OPEN
    with pytest.raises(SnapshotError, match="not a snapshot of version 2"):
        breaker.restore({})
