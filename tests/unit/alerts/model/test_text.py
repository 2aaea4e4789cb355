"""Figures, times and names as people read them."""

from __future__ import annotations

import pytest

from breakerd.alerts.model.text import (
    figure,
    format_duration,
    format_time,
    milliseconds,
    names_within,
    percent,
    truncate,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (42, "42 s"),
        (60, "1 min"),
        (303, "5 min 3 s"),
        (7800, "2 h 10 min"),
        (7200, "2 h"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0%"),
        (0.0004, "<0.1%"),
        (0.025, "2.5%"),
        (0.05, "5%"),
        (0.455, "46%"),
        (0.9999, "99.9%"),
        (1, "100%"),
        (12, "1,200%"),
    ],
)
def test_shares_are_not_rounded_to_none_or_all(share: float, words: str) -> None:
    assert percent(share) == words


def test_figures() -> None:
    assert [milliseconds(value) for value in (4.5, 10, 2140.4)] == ["4.5 ms", "10 ms", "2,140 ms"]
    assert [figure(value) for value in (1, 2.345, 1200)] == ["1", "2.35", "1,200"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (1_800_000_003, "08:00:03"),
        (1_800_000_003 - 86_400, "14 Jan 08:00:03"),
        (1_800_000_003 - 365 * 86_400, "15 Jan 08:00:03 2026"),
    ],
)
def test_times_have_a_date_unless_it_is_today(at: float, words: str) -> None:
    assert format_time(at, 1_800_000_060) == words


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (40, "cart, checkout, search, payments"),
        (30, "cart, checkout and 2 more"),
        (20, "cart and 3 more"),
        (3, "cart and 3 more"),
    ],
)
def test_names_as_far_as_there_is_room(room: int, words: str) -> None:
    assert names_within(["cart", "checkout", "search", "payments"], room) == words


def test_a_name_that_is_too_long_is_cut() -> None:
    assert names_within(["n" * 50], 20) == "n" * 19 + "…"


def test_truncate() -> None:
    assert truncate("abc", 3) == "abc"
    assert truncate("ab cd", 4) == "ab…"
