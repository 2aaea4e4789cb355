from __future__ import annotations

import random

import pytest

from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.trace import reorder
from breakerd.breaker.replay.trace.reorder import MAX_HELD_SECONDS, ReorderBuffer, spread_evenly


def test_calls_written_at_their_end_are_put_by_their_start() -> None:
    chance = random.Random(1)
    calls = [CallRecord(float(n), chance.uniform(0, MAX_HELD_SECONDS / 2)) for n in range(500)]
    written = sorted(calls, key=lambda call: call.start + call.duration)
    assert written != calls
    sorter = ReorderBuffer()
    assert list(sorter.sort(written)) == calls
    assert sorter.late == 0


def test_calls_that_began_together_keep_their_order() -> None:
    calls = [CallRecord(1.0, 5.0, memory=0.5), CallRecord(1.0, 5.0), CallRecord(1.0, 2.0)]
    assert list(ReorderBuffer().sort(calls)) == calls


def test_what_is_too_late_is_handed_on_and_counted() -> None:
    calls = [CallRecord(0, 1), CallRecord(100, 1), CallRecord(200, 1), CallRecord(50, 1)]
    sorter = ReorderBuffer()
    assert [call.start for call in sorter.sort(calls)] == [0, 100, 50, 200]
    assert sorter.late == 1


def test_no_more_than_a_bounded_number_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reorder, "MAX_HELD_CALLS", 3)
    taken = 0

    def source() -> list[CallRecord]:
        return [CallRecord(number / 1000, 1) for number in range(10)]

    sorter = ReorderBuffer()
    calls = iter(source())

    def counted() -> object:
        nonlocal taken
        for call in calls:
            taken += 1
            yield call

    result = sorter.sort(counted())  # type: ignore[arg-type]  # a generator of calls
    next(result)
    assert taken == 4


def test_a_late_call_at_the_end_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reorder, "MAX_HELD_CALLS", 2)
    sorter = ReorderBuffer()
    calls = [CallRecord(1, 1), CallRecord(2, 1), CallRecord(3, 1), CallRecord(0.5, 1)]
    assert [call.start for call in sorter.sort(calls)] == [1, 0.5, 2, 3]
    assert sorter.late == 1


def test_ends_of_one_second_are_laid_over_it() -> None:
    calls = [CallRecord(99.75, 0.25), CallRecord(99.0, 1.0), CallRecord(100.5, 0.5)]
    ends = [call.start + call.duration for call in spread_evenly(calls)]
    assert ends == pytest.approx([100.25, 100.75, 101.5])
    assert [call.duration for call in spread_evenly(calls)] == [0.25, 1.0, 0.5]
    assert list(spread_evenly([])) == []
