"""A slot in 74 bytes."""

import random

import pytest

from breakerd.breaker.context import Priority
from breakerd.breaker.history.packing import SIZE, cut, pack, restored, unpack
from breakerd.breaker.history.sketch import BUCKETS
from breakerd.breaker.history.slot import SEVERITY, HistorySlot
from breakerd.breaker.history.tally import Tally
from breakerd.breaker.states import State


def through(tally: Tally) -> HistorySlot:
    packed = pack(tally)
    assert len(packed) == SIZE
    return unpack(packed, 10.0)


def filled(counts: dict[int, int]) -> Tally:
    tally = Tally(1_700_000_000)
    for bucket, count in counts.items():
        tally.counts[bucket] = count
    tally.calls = sum(counts.values())
    return tally


def test_an_empty_slot_comes_back() -> None:
    assert through(Tally(1_700_000_000)) == HistorySlot(start=1_700_000_000.0, width=10.0)


def test_what_happens_in_a_slot_comes_back() -> None:
    tally = filled({3: 20, 7: 15, 31: 1})
    tally.calls += 2
    tally.failures, tally.slow, tally.timed_out, tally.abandoned, tally.unmeasured = 4, 5, 1, 3, 2
    tally.rejected = {"latency": 70_000, "forced_open": 12}
    tally.shed[Priority.SHEDDABLE], tally.shed[Priority.CRITICAL] = 9, 4
    tally.in_flight = 300
    tally.limit, tally.memory, tally.load, tally.normal = 123.4, 0.8125, 1.5, 0.0625
    tally.threshold = 0.6005
    tally.meet(State.OPEN)
    slot = through(tally)
    assert slot == HistorySlot(
        start=1_700_000_000.0, width=10.0, calls=38, failures=4, slow=5, timed_out=1, abandoned=3,
        rejected={"overloaded": 13, "latency": 70_000, "forced_open": 12},
        rejected_by_priority={"sheddable": 9, "critical": 4}, durations=slot.durations,
        in_flight=300, limit=123.4, state=State.OPEN, memory=0.8125, load=1.5, threshold=0.6005,
        normal=0.0625,
    )  # fmt: skip
    assert slot.durations.counts() == tuple(tally.counts)


@pytest.mark.parametrize("state", SEVERITY)
def test_each_state_comes_back(state: State) -> None:
    tally = Tally(0)
    tally.meet(state)
    assert through(tally).state is state


@pytest.mark.parametrize(
    "reason",
    [
        "latency", "errors", "memory", "load", "failure_streak", "fleet", "manual", "operator",
        "forced_open", "restored", "probe_failed", "ramp_failed",
    ],
)  # fmt: skip
def test_each_reason_comes_back(reason: str) -> None:
    tally = Tally(0)
    tally.reject(reason, 5)
    assert through(tally).rejected == {reason: 5}


def test_an_unknown_reason_is_another_one() -> None:
    tally = Tally(0)
    tally.reject("eclipse", 5)
    assert through(tally).rejected == {"other": 5}


def test_of_many_reasons_the_smallest_are_put_together() -> None:
    tally = Tally(0)
    for reason, calls in (("latency", 50), ("errors", 1), ("manual", 40), ("memory", 2)):
        tally.reject(reason, calls)
    assert through(tally).rejected == {"latency": 50, "manual": 40, "other": 3}


def test_large_numbers_of_rejections_keep_their_sum() -> None:
    tally = Tally(0)
    tally.shed = [1_000_001, 5_003, 7, 0]
    assert through(tally).rejected == {"overloaded": 1_005_011}
    assert sum(through(tally).rejected_by_priority.values()) == 1_005_011
    tally.rejected = {"latency": 3_000_001, "manual": 5_001}
    assert through(tally).rejections == 4_010_013


@pytest.mark.parametrize(("buckets", "most"), [(10, 4095), (20, 15), (32, 1)])
def test_small_numbers_are_exact_as_far_as_they_fit(buckets: int, most: int) -> None:
    rng = random.Random(buckets)
    counts = {index: rng.randint(1, most) for index in rng.sample(range(BUCKETS), buckets)}
    tally = filled(counts)
    assert through(tally).durations.counts() == tuple(tally.counts)


@pytest.mark.parametrize(("buckets", "error"), [(10, 1 / 2048), (20, 1 / 8), (32, 1 / 2)])
def test_large_numbers_are_cut_and_their_sum_is_kept(buckets: int, error: float) -> None:
    rng = random.Random(buckets)
    counts = {index: rng.randint(1, 300_000) for index in rng.sample(range(BUCKETS), buckets)}
    tally = filled(counts)
    found = through(tally).durations.counts()
    assert sum(found) == tally.calls
    largest = max(counts, key=lambda index: counts[index])
    for index, count in counts.items():
        if index != largest:
            assert count * (1 - error) <= found[index] <= count


@pytest.mark.parametrize("bits", [0, 3, 11])
def test_a_code_has_five_bits_more_and_gives_the_count_back(bits: int) -> None:
    for count in [*range(5000), 2**20 - 1, 2**30 + 12345, 2**31 - 1]:
        code = cut(count, bits)
        if bits or count < 2**31:
            assert code < 1 << bits + 5
        back = restored(code, bits)
        assert count * (1 - 2.0**-bits) <= back <= count


def test_what_is_too_large_is_held_at_the_largest() -> None:
    tally = Tally(0)
    tally.calls, tally.limit, tally.in_flight = 2**40, 1e9, 2**40
    slot = through(tally)
    assert (slot.calls, slot.limit) == (2**32 - 1, 65500.0)
    assert slot.in_flight == pytest.approx(2**32, rel=1e-3)
