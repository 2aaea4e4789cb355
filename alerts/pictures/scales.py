"""Scales of the axes: where a value lies, and which values are named. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_FACTORS: Final = (1.0, 2.0, 5.0, 10.0)
_STEPS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
)  # fmt: skip
"""Distances between named times in seconds."""
_MAX_NAMED: Final = 9
"""Maximum number of named times."""
_SPREAD: Final = 25.0
"""Highest value, as a multiple of the usual one, above which a scale is logarithmic."""
_DECADES: Final = 6.0
"""Maximum number of decades of a logarithmic scale."""
_HEADROOM: Final = 1.05


@dataclass(frozen=True, slots=True)
class Scale:
    """Scale of values from `low` to `high`; `ticks` are the values that are named."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the low end, 1 at the high one; others are cut off."""
        if self.logarithmic:
            value = max(value, self.low)
            found = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            found = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, found))


def linear(highest: float, ticks: int = 4) -> Scale:
    """Return a scale from 0 to a round value at or above `highest`, with about so many ticks."""
    wanted = highest * _HEADROOM if highest > 0 else 1.0
    step = _round_up(wanted / ticks)
    number = math.ceil(wanted / step)
    return Scale(0.0, step * number, tuple(step * each for each in range(number + 1)))


def scale_of(values: Iterable[float], usual: float) -> Scale:
    """Return the scale of latencies: logarithmic if a few are far above the usual value.

    Args:
        values: all values; those that are not finite are left out.
        usual: value that should still be readable.
    """
    known = [value for value in values if math.isfinite(value)]
    highest = max(known, default=0.0)
    if usual <= 0 or highest <= usual * _SPREAD:
        return linear(highest)
    least = min((value for value in known if value > 0), default=usual)
    low = math.floor(math.log10(max(least, highest / 10**_DECADES)))
    high = max(low + 1, math.ceil(math.log10(highest)))
    ticks = tuple(10.0**power for power in range(low, high + 1))
    return Scale(ticks[0], ticks[-1], ticks, logarithmic=True)


def times(start: float, end: float) -> list[float]:
    """Return round times from `start` to `end`, at most ten, in seconds since the epoch."""
    span = end - start
    step = next((each for each in _STEPS if span / each <= _MAX_NAMED), 0) or _days(span)
    first = math.ceil(start / step)
    return [float(number * step) for number in range(first, math.floor(end / step) + 1)]


def time_text(at: float, *, seconds: bool) -> str:
    """Return a time of day in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"


def date_text(at: float) -> str:
    """Return a date in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%b %Y}"


def latency_text(milliseconds: float) -> str:
    """Return a latency with its unit: 250 ms, 1.5 s, 20 min."""
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.3g} s"
    minutes = milliseconds / 60_000
    return f"{minutes:.3g} min" if minutes < 120 else f"{minutes / 60:,.4g} h"


def latency_tick(milliseconds: float) -> str:
    """Return a latency for an axis: 250 ms, 1.5 s, 1,000 s."""
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    return f"{milliseconds / 1000:,.5g} s"


def count_text(number: float) -> str:
    """Return a number in few characters: 0.5, 120, 12k, 3.4M."""
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if number >= limit:
            return f"{number / (1e3 if suffix == 'k' else 1e6):,.3g}{suffix}"
    return f"{number:.3g}" if number < 1000 else f"{number:.0f}"


def _round_up(value: float) -> float:
    """Return the next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in _FACTORS if power * factor >= value * (1 - 1e-9))


def _days(span: float) -> int:
    return math.ceil(span / _MAX_NAMED / 86_400) * 86_400
