"""Sparklines with a time axis."""

from __future__ import annotations

from breakerd.alerts.content.sentences.sparkline import latency_over_time
from breakerd.breaker.history.slot import HistorySlot
from tests.support.incident_reports import OPENED, slot


def test_a_character_is_half_a_minute_of_the_last_15_minutes() -> None:
    slots = [slot(at, 900.0 if at >= -60 else 80.0) for at in range(-900, 0, 10)]
    told = latency_over_time(slots, 0.95, OPENED - 1)
    assert told.startswith("▁" * 28 + "██ (p95, 09:45:00 to 09:59:59 UTC, a character is 30 s, ")
    assert "full height about 1,0" in told


def test_a_short_time_is_told_more_finely_and_from_the_first_call_on() -> None:
    slots = [slot(-120), slot(-110), slot(-60, 900.0), slot(-10, calls=0)]
    told = latency_over_time(slots, 0.5, OPENED)
    assert told.startswith("▁▁····█······ (p50, 09:58:00 to 10:00:00 UTC, a character is 10 s,")


def test_wide_slots_make_wide_characters() -> None:
    wide = [HistorySlot(OPENED - 600, 60.0, calls=5, durations=slot(0).durations)]
    assert "a character is 60 s" in latency_over_time(wide, 0.95, OPENED)


def test_where_no_call_ended_there_is_none() -> None:
    assert latency_over_time([], 0.95, OPENED) == ""
    assert latency_over_time([slot(0, calls=0)], 0.95, OPENED) == ""
    assert latency_over_time([slot(-5000)], 0.95, OPENED) == ""
