"""Sparklines: values as bars in a line of text."""

from collections.abc import Sequence
from typing import Final

from breakerd.alerts.model.text import format_time, milliseconds
from breakerd.breaker.history.slot import HistorySlot, merge_slots

_BARS: Final = "▁▂▃▄▅▆▇█"
_NO_CALL: Final = "·"
"""Character for a stretch of time in which no call has ended."""
MAX_BARS: Final = 40
_CHARACTERS: Final = 30
"""Number of characters of a sparkline over time."""
_STRETCHES: Final = (10.0, 30.0)
"""Seconds of a character: the first with which all that is known fits, else the last."""


def sparkline(values: Sequence[float]) -> str:
    """Return the newest values as bars; the highest value has the full height."""
    newest = values[-MAX_BARS:]
    highest = max(newest, default=0) or 1
    return "".join(_BARS[min(7, int(max(0, value) * 8 // (highest + 1)))] for value in newest)


def latency_over_time(slots: Sequence[HistorySlot], percentile: float, now: float) -> str:
    """Return a percentile of latency over time as bars, with the scales of both axes.

    Args:
        slots: slots of one breaker, oldest first.
        percentile: the percentile, 0 to 1.
        now: end of the time axis in seconds since the epoch.

    Returns:
        The text, from the first call in that time on; empty if none ended. The height is as exact
        as a `DurationSketch`.
    """
    known = [slot for slot in slots if slot.durations.count]
    if not known:
        return ""
    fits = (each for each in _STRETCHES if now - known[0].start <= each * (_CHARACTERS - 1))
    width = max(next(fits, _STRETCHES[-1]), *(slot.width for slot in known))
    found = {
        slot.start: slot.durations.percentile(percentile)
        for slot in merge_slots(known, width=width)
    }
    last = now // width * width
    starts = [last - width * back for back in reversed(range(_CHARACTERS))]
    values = {start: value for start in starts if (value := found.get(start)) is not None}
    if not values:
        return ""
    starts = starts[starts.index(min(values)) :]
    highest = max(values.values())
    bars = "".join(_bar(values[at], highest) if at in values else _NO_CALL for at in starts)
    begun, ended = format_time(starts[0], now), format_time(now, now)
    height = milliseconds(highest * 1000)
    return (
        f"{bars} (p{percentile * 100:g}, {begun} to {ended} UTC, a character is {width:g} s, "
        f"full height about {height})"
    )


def _bar(value: float, highest: float) -> str:
    share = max(0.0, value) / highest if highest else 0.0
    return _BARS[min(7, int(share * 8))]
