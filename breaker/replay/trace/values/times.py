"""Parse times: numbers since 1970 in any unit, and dates as logs write them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Final

from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.durations import duration_parser
from breakerd.breaker.replay.trace.values.numbers import number

_EPOCH_UNITS: Final = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3), (0.0, 1.0))
"""Smallest number that is a time in the unit: 1e11 s is the year 5138, 1e11 ms is 1973."""
_TIME_FORMATS: Final = "seconds, ms, µs or ns since 1970, or a date like 2026-03-01T12:00:00.5Z"
_MONTHS: Final = {
    name: position
    for position, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_COMMON_LOG: Final = re.compile(
    r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d(?:\.\d+)?)(?: (.+))?"
)
_CTIME: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)(?: ([A-Za-z]+))? (\d{4})"
)
_ZONE_HOURS: Final = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2,
    "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "SAST": 2, "MSK": 3, "PKT": 5, "IST": 5.5, "WIB": 7,
    "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "ACDT": 10.5, "AEST": 10,
    "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "ART": -3, "NST": -3.5, "NDT": -2.5, "AST": -4,
    "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
"""Hours ahead of UTC of zones by name. CST is North America's and IST India's, as most often."""


def parse_time(value: Value) -> float:
    """Return seconds since the epoch, from a number in s, ms, µs or ns, or from a date.

    A date without an offset is UTC, as is one with an unknown zone. The unit of a number follows
    from its size. A number too small for a date is in seconds since the trace began.
    """
    if isinstance(value, str):
        try:
            moment = float(value)
        except ValueError:
            return _date(value)
    else:
        moment = number(value)
    if not (isfinite(moment) and moment >= 0):
        raise ValueError(f"found {value!r} as a time; understood: {_TIME_FORMATS}")
    for least, unit in _EPOCH_UNITS:
        if moment >= least:
            return moment * unit
    raise AssertionError(moment)


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


def parse_log_date(text: str) -> float:
    """Parse a date such as `10/Oct/2026:13:55:36 +0200`, or any other that `parse_time` knows."""
    parts = _COMMON_LOG.fullmatch(text)
    if parts is None or parts[2] not in _MONTHS:
        return parse_time(text)
    day, month, year, clock, zone = parts.groups()
    return _parse_iso(f"{year}-{_MONTHS[month]:02}-{day}T{clock}{_offset(zone)}")


def unknown_zone(text: str) -> str | None:
    """Return the zone of a date in an access log if its name is unknown; else None."""
    parts = _COMMON_LOG.fullmatch(text)
    zone = parts[5] if parts else None
    known = zone is None or zone[0] in "+-" or zone.upper() in _ZONE_HOURS
    return None if known else zone


def _date(text: str) -> float:
    text = text.strip()
    parts = _COMMON_LOG.fullmatch(text)
    if parts is not None and parts[2] in _MONTHS:
        return parse_log_date(text)
    parts = _CTIME.fullmatch(text)
    if parts is not None and parts[1] in _MONTHS:
        month, day, clock, zone, year = parts.groups()
        return _parse_iso(f"{year}-{_MONTHS[month]:02}-{int(day):02}T{clock}{_offset(zone)}")
    return _parse_iso(text.replace(",", ".").replace("/", "-"))


def _parse_iso(text: str) -> float:
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"found {text!r} as a time; understood: {_TIME_FORMATS}") from None


def _offset(zone: str | None) -> str:
    """Return the offset of a zone as ISO 8601 has it; none for an unknown one, which is UTC."""
    if zone is None:
        return ""
    if zone[0] in "+-":
        return zone
    minutes = round(60 * _ZONE_HOURS.get(zone.upper(), 0))
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
