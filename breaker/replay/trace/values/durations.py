"""Parse durations: numbers in a unit that is known, and texts that name their unit."""

import re
from collections.abc import Callable
from typing import Final

from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.numbers import number

SECONDS: Final = {
    "ns": 1e-9, "nanos": 1e-9, "nanoseconds": 1e-9,
    "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "micros": 1e-6, "microseconds": 1e-6,
    "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0,
}  # fmt: skip
"""Units of time in seconds, as in the names of columns. The micro sign has two code points."""

_MAX_SECONDS: Final = 1e9
_IN_TEXT: Final = SECONDS | {"m": 60.0, "min": 60.0, "h": 3600.0}
_PART: Final = r"(\d+\.?\d*|\.\d+)(?:(e[+-]?\d+))?\s*([a-zµμ]+)"
_ONE: Final = re.compile(_PART, re.IGNORECASE)
_PARTS: Final = re.compile(rf"\s*(?:{_PART}\s*)+", re.IGNORECASE)
_CLOCK: Final = re.compile(r"\s*(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)\s*")
_ISO: Final = re.compile(r"\s*PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?\s*", re.IGNORECASE)


def duration_parser(unit: float, *, most: float = _MAX_SECONDS) -> Callable[[Value], float]:
    """Return a parser of durations in `unit` seconds; a unit in the value overrides `unit`."""

    def read(value: Value) -> float:
        if isinstance(value, str):
            try:
                seconds = float(value) * unit
            except ValueError:
                seconds = _from_text(value)
        else:
            seconds = number(value) * unit
        if not 0 <= seconds < most:
            raise ValueError(
                f"found {value!r} as a duration; understood: a number from 0, or one with its "
                "unit, as in 12ms, 1m2.5s, PT0.08S and 0:00:00.08"
            )
        return seconds

    return read


def names_unit(value: Value) -> bool:
    """True if the value is a duration that names its unit."""
    return isinstance(value, str) and _from_text(value) >= 0


def _from_text(text: str) -> float:
    """Return the seconds in a text with units, as Go, ISO 8601 or a clock write them; else -1."""
    if _PARTS.fullmatch(text):
        total = 0.0
        for amount, exponent, unit in _ONE.findall(text):
            seconds = _IN_TEXT.get(unit.lower())
            if seconds is None:
                return -1.0
            total += float(amount + exponent) * seconds
        return total
    parts = _CLOCK.fullmatch(text) or _ISO.fullmatch(text)
    if parts is None or not any(parts.groups()):
        return -1.0
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds
