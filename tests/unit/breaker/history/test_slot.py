"""Slots: as JSON, and added up over time and members."""

import json
from dataclasses import replace

import pytest

from breakerd.breaker.history import DurationSketch, HistorySlot, merge_slots
from breakerd.breaker.states import State


def sketch(**counts: int) -> DurationSketch:
    made = DurationSketch()
    for milliseconds, count in counts.items():
        made.add(int(milliseconds[2:]) / 1000, count)
    return made


FULL = HistorySlot(
    start=1_700_000_000.0,
    width=10.0,
    calls=40,
    failures=3,
    slow=5,
    timed_out=1,
    abandoned=2,
    rejected={"overloaded": 4, "latency": 2},
    rejected_by_priority={"sheddable": 4},
    durations=sketch(ms100=30, ms900=8),
    in_flight=7,
    limit=12.5,
    state=State.OPEN,
    memory=0.5,
    load=1.25,
    threshold=0.6,
    normal=0.125,
    members=2,
)


def test_a_slot_is_written_as_json_and_read_back() -> None:
    assert HistorySlot.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL


def test_an_empty_slot_is_read_back_too() -> None:
    empty = HistorySlot(start=60.0, width=1.0)
    assert HistorySlot.from_dict(empty.to_dict()) == empty
    assert empty.error_rate is None


def test_json_has_what_is_derived() -> None:
    data = FULL.to_dict()
    assert (data["rate"], data["error_rate"]) == (4.0, 0.1)
    assert (data["threshold_ms"], data["normal_ms"]) == (600.0, 125.0)
    assert isinstance(data["p95_ms"], float)
    assert 800 < data["p95_ms"] < 1100
    assert FULL.rejections == 6
    assert FULL.end == 1_700_000_010.0


@pytest.mark.parametrize(
    "change",
    [
        {"calls": None},
        {"rejected": 5},
        {"state": "ASLEEP"},
        {"durations": [[40, 1]]},
        {"durations": [[1, -1]]},
        {"limit": "many"},
    ],
)
def test_other_data_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a slot of a history"):
        HistorySlot.from_dict(FULL.to_dict() | change)


def test_a_missing_member_is_named() -> None:
    data = FULL.to_dict()
    del data["width"]
    with pytest.raises(ValueError, match="'width'"):
        HistorySlot.from_dict(data)


def test_slots_are_summed_over_time() -> None:
    first = HistorySlot(
        start=100.0, width=1.0, calls=5, rejected={"latency": 2}, durations=sketch(ms10=5),
        in_flight=9, limit=20.0, state=State.OPEN, memory=0.9, threshold=0.5, normal=0.1,
    )  # fmt: skip
    last = HistorySlot(
        start=109.0, width=1.0, calls=7, failures=1, rejected={"latency": 1, "errors": 1},
        durations=sketch(ms20=7), in_flight=3, limit=25.0, memory=0.4, load=0.5, threshold=0.6,
    )  # fmt: skip
    (merged,) = merge_slots([last, first], width=10)
    assert merged == HistorySlot(
        start=100.0, width=10.0, calls=12, failures=1, rejected={"latency": 3, "errors": 1},
        durations=sketch(ms10=5, ms20=7), in_flight=9, limit=25.0, state=State.OPEN, memory=0.9,
        load=0.5, threshold=0.6, normal=0.1,
    )  # fmt: skip


def test_members_of_the_same_time_are_added() -> None:
    one = HistorySlot(
        start=50.0, width=10.0, calls=10, in_flight=4, limit=10.0, threshold=0.5, normal=0.1
    )
    other = replace(
        one, calls=30, in_flight=5, limit=6.0, threshold=0.7, normal=0.3, state=State.HALF_OPEN
    )
    (merged,) = merge_slots([one, other], width=10)
    assert (merged.calls, merged.in_flight, merged.limit, merged.members) == (40, 9, 16.0, 2)
    assert (merged.threshold, merged.state) == (0.7, State.HALF_OPEN)
    assert merged.normal == pytest.approx(0.25)


def test_a_member_without_a_limit_means_that_there_is_none() -> None:
    one = HistorySlot(start=50.0, width=10.0, limit=10.0)
    (merged,) = merge_slots([one, replace(one, limit=None)], width=10)
    assert merged.limit is None


def test_members_are_added_before_time_is() -> None:
    slots = [
        HistorySlot(start=start, width=10.0, in_flight=in_flight)
        for start, in_flight in ((0.0, 1), (0.0, 2), (10.0, 5))
    ]
    (merged,) = merge_slots(slots, width=60)
    assert (merged.in_flight, merged.members) == (5, 2)


def test_a_slot_that_is_wider_stays_as_it_is() -> None:
    wide, narrow = HistorySlot(start=0.0, width=60.0, calls=1), HistorySlot(start=61.0, width=1.0)
    assert merge_slots([narrow, wide], width=10) == [wide, HistorySlot(start=60.0, width=10.0)]


def test_gaps_stay_gaps() -> None:
    slots = [HistorySlot(start=start, width=1.0) for start in (5.0, 45.0)]
    assert [slot.start for slot in merge_slots(slots, width=10)] == [0.0, 40.0]


@pytest.mark.parametrize("width", [0, -1, float("nan")])
def test_a_width_must_be_above_0(width: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        merge_slots([], width=width)
