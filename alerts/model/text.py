"""Formatting of figures and texts for people."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime


def format_duration(seconds: float) -> str:
    """Return a duration as text: 42 s, 5 min 3 s, 2 h 10 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def truncate(text: str, limit: int) -> str:
    """Return `text`, cut to `limit` characters with an ellipsis at the end if it is longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def ordinal(number: int) -> str:
    """Return the ordinal number: 2nd, 3rd, 11th."""
    if number % 100 in {11, 12, 13}:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def percent(share: float) -> str:
    """Return a share (0 to 1) as a percentage: 45%, 2.5%, 99.9%; never 0% or 100% by rounding."""
    value = share * 100
    if 0 < value < 0.1:
        return "<0.1%"
    if value < 10 or 99 < value < 100:
        return f"{math.floor(value * 10 + 1e-6) / 10 if value > 99 else round(value, 1):g}%"
    return f"{value:,.0f}%"


def milliseconds(value: float) -> str:
    """Return a duration in milliseconds: 912 ms, 2,140 ms, 4.5 ms."""
    return f"{value:,.0f} ms" if value >= 10 or value == round(value) else f"{value:.1f} ms"


def figure(value: float) -> str:
    """Return a number with at most three significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def count_calls(number: float) -> str:
    """Return a number of calls: "1 call", "2,142 calls"."""
    return f"{round(number):,} call" + ("" if round(number) == 1 else "s")


def times(factor: float) -> str:
    """Return a factor without its sign: 45, 5.6."""
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"


def format_time(at: float, now: float, *, seconds: bool = True) -> str:
    """Return a time of day in UTC, with the date unless it is that of `now`.

    Args:
        at: seconds since the epoch.
        now: seconds since the epoch.
        seconds: False leaves the seconds out.
    """
    moment, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    if moment.date() == today.date():
        return clock
    return f"{moment.day} {moment:%b} {clock}" + (
        "" if moment.year == today.year else f" {moment.year}"
    )


def names_within(names: Sequence[str], room: int) -> str:
    """Return the first names as far as there is room, and the number of the others.

    At least the first is named, cut if it must be.
    """
    whole = ", ".join(names)
    if len(whole) <= room:
        return whole
    kept, length = 0, 0
    while kept < len(names) and length + len(names[kept]) + len(_more(len(names))) <= room:
        length += len(names[kept]) + len(", ")
        kept += 1
    if kept:
        return ", ".join(names[:kept]) + _more(len(names) - kept)
    more = _more(len(names) - 1)
    return truncate(names[0], max(8, room - len(more))) + more


def _more(number: int) -> str:
    return f" and {number:,} more" if number else ""
