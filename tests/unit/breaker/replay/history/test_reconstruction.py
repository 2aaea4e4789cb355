"""Calls are made from slots with the numbers, durations, failures and times that these tell."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay import CallRecord
from breakerd.breaker.replay.history import reconstruct
from breakerd.breaker.replay.history.sampling import Portion
from tests.support.slots import NOON, slot, slots_of

FAST = [0.05] * 40


def ends(calls: list[CallRecord], *, failed: bool) -> list[float]:
    return sorted(c.start + c.duration - NOON for c in calls if c.error is failed)


COUNTS = st.lists(st.floats(0.0001, 60.0), min_size=1, max_size=30)


@given(st.lists(st.tuples(COUNTS, st.floats(0, 1)), min_size=1, max_size=8))
def test_counts_failures_and_durations_are_kept(parts: list[tuple[list[float], float]]) -> None:
    slots = [
        slot(durations, number=number, failures=round(share * len(durations)))
        for number, (durations, share) in enumerate(parts)
    ]
    calls = list(reconstruct(slots))
    assert len(calls) == sum(each.calls for each in slots)
    assert sum(call.error for call in calls) == sum(each.failures for each in slots)
    assert sum(call.duration > 1.0 for call in calls) == sum(each.slow for each in slots)
    sketch = DurationSketch()
    for call in calls:
        sketch.add(call.duration)
    for each in slots:
        for index, count in enumerate(each.durations.counts()):
            assert sketch.counts()[index] >= count
    assert calls == list(reconstruct(slots))


def test_each_call_ends_in_its_slot() -> None:
    slots = [slot([0.05, 0.1, 2.0, 8.0] * 10, number=number) for number in range(3)]
    calls = list(reconstruct(slots))
    found = [0, 0, 0]
    for call in calls:
        found[int((call.start + call.duration - NOON) // 10)] += 1
    assert found == [40, 40, 40]
    starts = [call.start for call in calls]
    assert starts == sorted(starts)


def test_percentiles_are_nearer_than_a_bucket() -> None:
    durations = sorted(0.05 * 1.002**n for n in range(1000))
    calls = sorted(call.duration for call in reconstruct([slot(durations)]))
    for share in (0.05, 0.5, 0.95, 0.99):
        place = int(share * 1000)
        assert calls[place] == pytest.approx(durations[place], rel=0.05)


def test_the_threshold_divides_a_bucket_exactly() -> None:
    durations = [0.37] * 90 + [0.45] * 10
    calls = list(reconstruct([slot(durations, threshold=0.4)]))
    assert sum(call.duration > 0.4 for call in calls) == 10


def test_a_number_of_slow_calls_that_the_buckets_contradict_is_left_aside() -> None:
    calls = list(reconstruct([slot([0.05] * 10, threshold=0.4, slow=7)]))
    assert sum(call.duration > 0.4 for call in calls) == 0


def test_a_failure_has_the_duration_that_is_unusual() -> None:
    usual = [slot(FAST, number=number) for number in range(5)]
    refused = slot([0.05] * 20 + [0.0005] * 20, number=5, failures=20)
    failed = [call for call in reconstruct([*usual, refused]) if call.error]
    assert all(call.duration < 0.001 for call in failed)


def test_failures_begin_when_the_slots_around_tell() -> None:
    slots = [slot(FAST, number=number) for number in range(3)]
    slots += [slot(FAST, number=3, failures=10)]
    slots += [slot(FAST, number=number, failures=40) for number in (4, 5, 6)]
    slots += [slot(FAST, number=7, failures=30), slot(FAST, number=8), slot(FAST, number=9)]
    failed = ends(list(reconstruct(slots)), failed=True)
    assert failed[0] == pytest.approx(37.5, abs=2.5)
    assert failed[-1] == pytest.approx(77.5, abs=2.5)
    good = ends(list(reconstruct(slots)), failed=False)
    assert not [at for at in good if 40 < at < 75]


def test_failures_in_two_slots_are_one_run() -> None:
    slots = [slot(FAST, number=number) for number in range(3)]
    slots += [slot(FAST, number=number, failures=20) for number in (3, 4)]
    slots += [slot(FAST, number=number) for number in (5, 6, 7)]
    failed = ends(list(reconstruct(slots)), failed=True)
    assert failed[0] == pytest.approx(35, abs=2.5)
    assert failed[-1] == pytest.approx(45, abs=2.5)


def test_failures_of_one_slot_are_one_run() -> None:
    slots = [slot(FAST, number=number, failures=20 * (number == 3)) for number in range(7)]
    calls = list(reconstruct(slots))
    begin, end = ends(calls, failed=True)[0], ends(calls, failed=True)[-1]
    assert 30 <= begin < end <= 40
    assert not [at for at in ends(calls, failed=False) if begin < at < end]


def test_a_few_failures_are_spread() -> None:
    slots = [slot(FAST * 5, number=number, failures=4) for number in range(20)]
    failed = ends(list(reconstruct(slots)), failed=True)
    assert max(after - before for before, after in pairwise(failed)) < 15


def test_calls_that_hung_end_together_and_began_apart() -> None:
    before = [slot(FAST, number=number, in_flight=2) for number in range(3)]
    hung = [0.25 * n for n in range(1, 81)]
    released = slot([*hung, *FAST[:20]], number=5, in_flight=80)
    after = [slot(FAST, number=number, in_flight=2) for number in (6, 7)]
    calls = [c for c in reconstruct([*before, released, *after]) if c.duration > 1]
    moments = [call.start + call.duration for call in calls]
    assert max(moments) - min(moments) < 0.01
    assert len(calls) > 70


def test_no_more_are_in_flight_than_were() -> None:
    calls = list(reconstruct([slot([9.0] * 40, number=n, in_flight=5) for n in range(3)]))
    events = sorted([(c.start, 1) for c in calls] + [(c.start + c.duration, -1) for c in calls])
    most = under_way = 0
    for _, change in events:
        under_way += change
        most = max(most, under_way)
    assert most == 5


def test_calls_that_were_given_up() -> None:
    early = slot([0.05] * 20, calls=25, abandoned=5)
    calls = list(reconstruct([early]))
    assert [call.duration < 1 for call in calls if call.abandoned] == [True] * 5
    late = slot([0.05] * 20 + [3.0] * 5, abandoned=5)
    calls = list(reconstruct([late]))
    assert [call.duration > 1 for call in calls if call.abandoned] == [True] * 5


def test_slots_without_calls_and_gaps_are_silence() -> None:
    slots = [slot(FAST, number=0), slot([], number=1), slot(FAST, number=100)]
    calls = list(reconstruct(slots))
    assert len(calls) == 80
    assert not [c for c in calls if 11 < c.start - NOON < 999]


def test_memory_is_that_of_the_slot() -> None:
    (call,) = reconstruct([slot([0.05], memory=0.5)])
    assert call.memory == 0.5


def test_widths_may_change() -> None:
    minute = HistorySlot(NOON, 60.0, 240, durations=slot([0.05] * 240).durations, in_flight=9)
    tens = [slot([0.05] * 40, number=number) for number in range(6, 9)]
    calls = list(reconstruct([minute, *tens]))
    assert len(calls) == 360
    assert sum(call.start - NOON < 60 for call in calls) == pytest.approx(240, abs=3)


def test_a_part_of_the_calls_stands_for_all() -> None:
    slots = [slot([0.05] * 90 + [2.0] * 10, number=n, failures=10) for n in range(50)]
    calls = list(reconstruct(slots, [Portion(10, 10)] * 49 + [Portion(0, 0)]))
    assert sum(call.weight for call in calls) == pytest.approx(4900, abs=50)
    assert sum(call.weight for call in calls if call.error) == pytest.approx(490, abs=20)
    assert sum(call.weight for call in calls if call.duration > 1) == pytest.approx(490, abs=20)


def test_slots_of_a_trace_give_its_calls_back() -> None:
    calls = [CallRecord(NOON + n / 4, 0.05 + n % 7 / 100) for n in range(400)]
    found = list(reconstruct(slots_of(calls, width=1.0)))
    assert len(found) == 400
    for mine, theirs in zip(found, calls, strict=True):
        assert mine.start == pytest.approx(theirs.start, abs=1.1)
