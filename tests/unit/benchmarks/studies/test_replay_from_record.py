"""Replays of slots agree with replays of the calls that a real breaker recorded in them."""

from __future__ import annotations

import pytest

from benchmarks.studies.recorded_days import record
from benchmarks.studies.replay_from_record import CONFIGURATIONS, study
from benchmarks.studies.simulated_days import simulated_day
from breakerd import Settings


def test_three_short_days_agree() -> None:
    """Twenty days are `python -m benchmarks.studies.replay_from_record`."""
    days = [simulated_day(seed, hours=0.25, troubles=2) for seed in range(3)]
    _, outages = study(days, {"thresholds": CONFIGURATIONS["thresholds"]})
    for width, share in ((1, 0.9), (10, 0.75), (60, 0.6)):
        tally = outages[width, "all"]
        assert tally.calls >= 3
        assert tally.found >= share * tally.calls
        assert tally.real >= share * tally.slots


@pytest.mark.parametrize("rejecting", [False, True])
def test_each_call_that_was_made_is_recorded_once(*, rejecting: bool) -> None:
    day = record(
        simulated_day(3, hours=0.2, troubles=2),
        Settings(latency_threshold=200),
        rejecting=rejecting,
    )
    for slots in day.slots.values():
        assert sum(slot.calls for slot in slots) == len(day.calls)
        assert sum(slot.failures for slot in slots) == sum(call.error for call in day.calls)
        assert any(slot.rejected for slot in slots) is rejecting
