"""What a change of settings would have done, from a history, with a bounded amount of work."""

from __future__ import annotations

import json

import pytest

from breakerd import Settings, Slo
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.history import what_would_have_happened
from breakerd.breaker.replay.history.sampling import FULL, NONE, choose_portions
from tests.support.slots import NOON, slot

NORMAL = [0.05] * 20
SLOW = [0.8] * 20
HOUR = 360
LOOSE = Settings(latency_threshold=2000)
TIGHT = Settings(latency_threshold=400)
HOPELESS = Settings(latency_threshold=20)


def day(slots: int = HOUR, *, bad: range = range(200, 212)) -> list[HistorySlot]:
    return [slot(SLOW if n in bad else NORMAL, number=n) for n in range(slots)]


def test_a_lower_threshold_trips_on_what_the_other_lets_pass() -> None:
    found = what_would_have_happened(day(), LOOSE, TIGHT)
    assert (found.current.trips, found.current.rejected) == (0, 0)
    assert found.proposed.trips >= 1
    assert found.proposed.rejected > 100
    assert found.proposed.good_rejected < 10
    assert found.proposed.trip_times[0] == pytest.approx(NOON + 2000, abs=10)
    assert found.proposed.let_pass < found.current.let_pass + 240
    assert (found.calls, found.seconds) == (7200, 3600.0)
    assert not found.estimated
    assert found.replayed_share < 0.3
    assert any("were replayed: those amid which" in note for note in found.notes)


def test_a_threshold_that_trips_all_the_time_is_estimated_from_excerpts() -> None:
    found = what_would_have_happened(day(bad=range(0)), LOOSE, HOPELESS, most_work=2000)
    assert found.estimated
    assert found.replayed_share < 0.5
    assert found.proposed.rejected > 3600
    assert found.proposed.trips >= 1
    assert any("extrapolated" in note for note in found.notes)
    full = what_would_have_happened(day(bad=range(0)), LOOSE, HOPELESS, most_work=10**9)
    assert full.replayed_share == 1
    assert not full.estimated
    assert found.proposed.rejected == pytest.approx(full.proposed.rejected, rel=0.3)


def test_no_calls_have_no_effect() -> None:
    for slots in ([], [slot([])]):
        found = what_would_have_happened(slots, LOOSE, TIGHT)
        assert found.proposed == found.current
        assert (found.calls, found.replayed_share, found.proposed.trips) == (0, 1.0, 0)


def test_it_is_json() -> None:
    data = json.loads(json.dumps(what_would_have_happened(day(220), LOOSE, TIGHT).to_dict()))
    assert data["proposed"]["trips"] >= 1
    assert data["notes"]


def test_quiet_slots_are_left_out_but_around_bad_ones() -> None:
    portions = choose_portions(day(), [TIGHT], 10_000)
    assert portions[100] is NONE
    assert all(portion == FULL for portion in portions[195:217])
    assert portions[225].weight == portions[225].stride == 10
    assert portions[300] is NONE


def test_memory_near_its_threshold_is_replayed() -> None:
    slots = [slot(NORMAL, number=n, memory=0.79 if n == 100 else 0.5) for n in range(200)]
    portions = choose_portions(slots, [LOOSE], 10_000)
    assert portions[100] == FULL
    assert portions[50] is NONE


def test_a_single_slow_call_is_no_bad_time() -> None:
    slots = [slot([*NORMAL, 5.0] if n == 100 else NORMAL, number=n) for n in range(200)]
    assert choose_portions(slots, [TIGHT], 10_000)[100] is NONE


def test_so_many_calls_in_a_slot_are_thinned() -> None:
    slots = [slot(SLOW * 500, number=n) for n in range(20)]
    portions = choose_portions(slots, [TIGHT], 2000)
    taken = [portion for portion in portions if portion.stride]
    assert taken
    assert all(portion.stride == 40 for portion in taken)
    assert sum(portion.weight // portion.stride for portion in taken) == pytest.approx(20, abs=8)


def test_a_service_level_and_a_threshold_side_by_side() -> None:
    level = Settings(slo=Slo(success_rate=0.95, timeout=0.5))
    found = what_would_have_happened(day(), TIGHT, level)
    assert found.current.trips >= 1
    assert found.proposed.trips >= 1
