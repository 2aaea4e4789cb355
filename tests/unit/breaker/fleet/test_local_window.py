from __future__ import annotations

import pytest

from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.fleet.local_window import LocalWindow, UsualLoad
from breakerd.breaker.fleet.messages import Slot

AHEAD = 5000.0
"""Seconds by which the hub's clock is ahead of the breaker's."""


class Ticks:
    """A breaker's window, and the local one that it is read into tick by tick."""

    def __init__(self) -> None:
        self.window = SlidingWindow(100, 60.0, 0.95, 1.0)
        self.local = LocalWindow(lambda now: now + AHEAD)
        self.local.long = 0.5
        self.local.add(0.0, CallDelta(), self.window)

    def tick(self, now: float, *calls: tuple[float, float, bool], rejected: int = 0) -> None:
        """Let calls, (end, seconds, failed), be seen at `now`."""
        for end, seconds, failed in calls:
            self.window.add(end, seconds, error=failed)
        errors = sum(failed for *_, failed in calls)
        delta = CallDelta(
            admitted=len(calls), ended=len(calls), errors=errors, rejected=rejected,
            duration=sum(seconds for _, seconds, _ in calls),
        )  # fmt: skip
        self.local.add(now, delta, self.window)


def test_a_call_counts_for_the_second_in_which_it_began() -> None:
    ticks = Ticks()
    ticks.tick(11.0, (10.95, 0.2, False), (11.0, 0.4, True))
    slot, _ = ticks.local.slots(11.0)
    assert (slot.number, slot.calls, slot.failures) == (5010, 2, 1)
    ticks.tick(11.3, (11.2, 0.5, False))
    before, after = ticks.local.slots(11.3)
    assert (before.calls, after.calls) == (3, 0)
    assert (before.ended, after.ended) == (1, 1), "it succeeded when it did"


def test_a_call_that_hung_counts_for_two_seconds_ago() -> None:
    ticks = Ticks()
    ticks.tick(40.0, (40.0, 30.0, True))
    [slot, *_] = ticks.local.slots(40.0)
    assert (slot.number, slot.calls, slot.failures) == (5038, 1, 1)


def test_load_is_counted_beside() -> None:
    ticks = Ticks()
    ticks.tick(10.9, (10.5, 0.1, False), (10.8, 0.3, False), (10.9, 0.7, True), rejected=4)
    [slot] = ticks.local.slots(10.9)
    assert slot == Slot(5010, 3, 1, offered=7, busy_ms=400, ended=2, slow=1)


def test_what_a_snapshot_or_a_drill_puts_there_is_no_evidence() -> None:
    ticks = Ticks()
    ticks.tick(100.0, (20.0, 0.1, True), (104.0, 4.0, True))
    assert all(slot.calls == 0 for slot in ticks.local.slots(100.0))


def test_a_new_generation_begins_without_evidence() -> None:
    ticks = Ticks()
    ticks.tick(10.5, (10.4, 0.1, True))
    assert ticks.local.since(5010) == (1, 1)
    ticks.local.begin_generation()
    assert ticks.local.since(5010) == (0, 0)
    [slot] = ticks.local.slots(10.5)
    assert (slot.calls, slot.offered) == (0, 1)


def test_old_slots_go() -> None:
    ticks = Ticks()
    ticks.tick(10.5, (10.4, 0.1, True))
    assert ticks.local.slots(19.9)
    assert ticks.local.slots(20.1) == ()
    assert ticks.local.totals(usual=0.0, in_flight=0).calls == 0


def test_totals_and_sketch_are_of_the_whole_window() -> None:
    ticks = Ticks()
    ticks.tick(10.5, (10.4, 0.1, True), rejected=2)
    ticks.tick(12.5, (12.4, 0.1, False))
    totals = ticks.local.totals(usual=1.5, in_flight=3)
    assert (totals.calls, totals.failures, totals.rejected) == (2, 1, 2)
    assert (totals.usual_milli, totals.in_flight) == (1500, 3)
    first, *counts = ticks.local.sketch()
    assert counts == [2]
    assert first > 0
    assert ticks.local.wanted(12.5) == pytest.approx(0.4)


def test_the_usual_load_is_learnt_while_all_is_well() -> None:
    usual = UsualLoad()
    usual.update(0.0, 0.0, learn=True)
    usual.update(5.0, 10.0, learn=True)
    assert usual.in_flight == 0, "too soon to tell"
    usual.update(30.0, 60.0, learn=True)
    assert usual.in_flight == pytest.approx(2.0)
    usual.update(90.0, 1000.0, learn=False)
    assert usual.in_flight == pytest.approx(2.0)
    usual.update(120.0, 1060.0, learn=True)
    assert usual.in_flight == pytest.approx(2.0)


def test_successful_calls_above_the_threshold_are_slow() -> None:
    ticks = Ticks()
    ticks.tick(20.0, (20.0, 0.4, False))
    ticks.local.threshold = 0.3
    ticks.tick(21.0, (21.0, 0.3, False), (21.0, 0.31, False), (21.0, 0.9, False), (21.0, 2, True))
    assert ticks.local.totals(usual=0.0, in_flight=0).slow == 2
