from __future__ import annotations

import pytest

from benchmarks.harness.figures import Effort
from benchmarks.resources import memory
from benchmarks.resources.memory_subject import PLAIN, TUNED, call, cycle, drive, make
from breakerd import State, Transition
from breakerd.breaker.testing import EventLog, ManualClock


def test_sizes_and_growth_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WINDOWS", (64,))
    empty, full, *others = memory.measure(Effort(rounds=1, calls=40, seconds=0.1))
    assert empty.value is not None
    assert full.value is not None
    assert 1000 < empty.value < full.value
    assert len(others) == 6
    growth = [figure for figure in others if figure.name.startswith("growth")]
    assert [figure.unit for figure in growth] == ["blocks"] * 4
    assert all(figure.reach for figure in growth)
    for figure in growth[::2]:
        assert figure.details["calls"] >= 10_000


@pytest.mark.parametrize("kind", [PLAIN, TUNED])
def test_calls_on_the_real_clock_go_through_the_hot_path(kind: str) -> None:
    breaker = make(kind, 64)
    call(breaker, 1000)
    assert len(breaker._gate.durations) > 0
    assert breaker.counters().success == 1000


@pytest.mark.parametrize("kind", [PLAIN, TUNED])
def test_the_calls_fill_the_window(kind: str) -> None:
    clock = ManualClock()
    breaker = make(kind, 64, clock)
    drive(breaker, clock, 64)
    assert breaker.status()["window_calls"] == 64


@pytest.mark.parametrize("kind", [PLAIN, TUNED])
def test_a_cycle_is_three_transitions(kind: str) -> None:
    clock, log = ManualClock(), EventLog()
    breaker = make(kind, 64, clock)
    drive(breaker, clock, 64)
    breaker.subscribe(log)
    cycle(breaker, clock)
    assert [(event.from_state, event.to_state) for event in log.of(Transition)] == [
        (State.CLOSED, State.OPEN),
        (State.OPEN, State.HALF_OPEN),
        (State.HALF_OPEN, State.CLOSED),
    ]
