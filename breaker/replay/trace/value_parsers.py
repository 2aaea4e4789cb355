"""Parse the values of a trace: times, durations, outcomes, memory.

Each parser raises ValueError with the value found and the values understood.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import inf, isfinite, nan
from typing import Final

Value = str | float | bool | None
"""Value of a cell of a table, or of a field of a JSON object."""

SECONDS: Final = {
    "ns": 1e-9, "nanos": 1e-9, "nanoseconds": 1e-9,
    "us": 1e-6, "µs": 1e-6, "micros": 1e-6, "microseconds": 1e-6,
    "ms": 1e-3, "msec": 1e-3, "millis": 1e-3, "milliseconds": 1e-3,
    "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0,
}  # fmt: skip
"""Units of time in seconds."""

_EPOCH_UNITS: Final = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (0.0, 1.0))
"""Smallest number that is a time in the unit: 1e11 s is the year 5138, 1e11 ms is 1973."""

_WITH_UNIT: Final = re.compile(r"\s*([0-9.]+(?:e[+-]?\d+)?)\s*([a-zµ]+)\s*", re.IGNORECASE)
_LEAST_STATUS: Final = 100
_SERVER_ERRORS: Final = 500
_MOST_STATUS: Final = 599

_GOOD_WORDS: Final = frozenset({"ok", "success", "succeeded", "successful", "good", "passed"})
_BAD_WORDS: Final = frozenset(
    {"error", "err", "fail", "failed", "failure", "timeout", "timed_out", "exception", "bad"}
)
_YES: Final = frozenset({"true", "1", "yes", "y", "t"})
_NO: Final = frozenset({"", "false", "0", "no", "n", "f", "none", "null", "nil", "-"})


def parse_time(value: Value) -> float:
    """Return seconds since the epoch, from a number in s, ms, µs or ns, or a date by RFC 3339.

    A date without an offset is UTC. The unit of a number follows from its size. A number too small
    for a date is in seconds since the trace began.
    """
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return _date(value)
    else:
        number = _number(value)
    if not (isfinite(number) and number >= 0):
        raise ValueError(f"found {value!r} as a time; understood: {_TIME_FORMATS}")
    for least, unit in _EPOCH_UNITS:
        if number >= least:
            return number * unit
    raise AssertionError(number)


def time_parser(unit: float | None) -> Callable[[Value], float]:
    """Return a parser of times in `unit` seconds; if None, the unit follows from their size."""
    if unit is None:
        return parse_time
    read = duration_parser(unit, most=1e11)

    def read_moment(value: Value) -> float:
        try:
            return read(value)
        except ValueError:
            raise ValueError(f"found {value!r} as a time; understood: {_TIME_FORMATS}") from None

    return read_moment


_TIME_FORMATS: Final = "seconds, ms, µs or ns since 1970, or a date like 2026-03-01T12:00:00.5Z"


def _date(text: str) -> float:
    try:
        date = datetime.fromisoformat(text.strip().replace(",", "."))
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"found {text!r} as a time; understood: {_TIME_FORMATS}") from None


def _number(value: Value) -> float:
    """Return the number; NaN for any other JSON value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nan
    try:
        return float(value)
    except OverflowError:
        return inf


def duration_parser(unit: float, *, most: float = 1e9) -> Callable[[Value], float]:
    """Return a parser of durations in `unit` seconds; a unit in the value overrides `unit`."""

    def read(value: Value) -> float:
        if isinstance(value, str):
            try:
                seconds = float(value) * unit
            except ValueError:
                seconds = _with_unit(value)
        else:
            seconds = _number(value) * unit
        if not 0 <= seconds < most:
            raise ValueError(f"found {value!r} as a duration; understood: a number from 0, or 12ms")
        return seconds

    return read


def _with_unit(text: str) -> float:
    parts = _WITH_UNIT.fullmatch(text)
    unit = SECONDS.get(parts[2].lower()) if parts else None
    try:
        return float(parts[1]) * unit if parts and unit else -1.0
    except ValueError:
        return -1.0


def failed_by_status(value: Value) -> bool:
    """True if an outcome, a word or an HTTP status, is a failure; 5xx is one, 4xx is not."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _GOOD_WORDS:
            return False
        if word in _BAD_WORDS:
            return True
        code = float(word) if word.isdecimal() else nan
    else:
        code = _number(value)
    if not _LEAST_STATUS <= code <= _MOST_STATUS:
        raise _no_outcome(value)
    return code >= _SERVER_ERRORS


def failed_by_error(value: Value) -> bool:
    """True if the value of an error field says that there was an error."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO | _GOOD_WORDS
    return bool(value)


def failed_by_success(value: Value) -> bool:
    """True if the value of a success field says no."""
    word = str(value).strip().lower()
    if word in _YES:
        return False
    if word in _NO and word:
        return True
    raise ValueError(f"found {value!r} for success; understood: true, false, 1, 0, yes, no")


def share_parser(unit: float) -> Callable[[Value], float | None]:
    """Return a parser of memory use in `unit` of the limit (0.01: percent); empty is None."""

    def read(value: Value) -> float | None:
        if value is None or value == "":
            return None
        try:
            share = (float(value) if isinstance(value, str) else _number(value)) * unit
        except ValueError:
            share = nan
        if not 0 <= share <= 1:
            wanted = "0 to 100" if unit < 1 else "0 to 1; a column memory_percent holds percent"
            raise ValueError(f"found {value!r} as memory; understood: {wanted}")
        return share

    return read


def _no_outcome(value: Value) -> ValueError:
    return ValueError(
        f"found {value!r} as outcome; understood: ok, success, error, failed, timeout, "
        "or an HTTP status from 100 to 599"
    )
