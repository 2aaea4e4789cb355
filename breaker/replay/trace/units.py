"""Find the unit of durations whose name has none, from what is written beside them."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from itertools import pairwise
from statistics import median
from typing import Any, Final

from breakerd.breaker.replay.trace.hints import Column, Unit
from breakerd.breaker.replay.trace.values.durations import names_unit
from breakerd.breaker.replay.trace.values.times import parse_time, time_parser


class UnitSource(Enum):
    """Where the unit of durations comes from."""

    STATED = auto()
    """The user says it."""
    NAMED = auto()
    """The name, the value or the format says it."""
    ASSUMED = auto()
    """Nothing says it."""


_NGINX_TIMES: Final = frozenset({"request_time", "upstream_response_time", "rt", "urt"})
_THREE_DECIMALS: Final = re.compile(r"\d+\.\d{3}")
_UNITS: Final = (1.0, 1e-3, 1e-6, 1e-9)
_MAX_MISFIT: Final = 1.5
"""Maximum ratio between a duration and the time from start to end, for the unit to be right."""


def unit_of_values(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    stated: Unit | None,
    start: Column | None,
    end: Column | None,
) -> tuple[float | None, UnitSource]:
    """Return the unit of a duration in seconds, and where it comes from; None for seconds.

    Args:
        name: the column of the duration.
        rows: some rows by name.
        stated: what the user says.
        start: the column of the start, if any.
        end: the column of the end, if any.
    """
    if stated is not None:
        return stated.seconds, UnitSource.STATED
    values = [row[name] for row in rows if row.get(name) is not None]
    texts = [value for value in values if isinstance(value, str)]
    if values and len(texts) == len(values):
        if all(map(names_unit, texts)):
            return None, UnitSource.NAMED
        if name.lower() in _NGINX_TIMES and all(map(_THREE_DECIMALS.fullmatch, texts)):
            return 1.0, UnitSource.NAMED  # nginx writes seconds with three decimals, always
    if start is not None and end is not None:
        unit = _unit_by_span(name, rows, start, end)
        if unit is not None:
            return unit, UnitSource.NAMED
    return None, UnitSource.ASSUMED


def _unit_by_span(
    name: str, rows: Sequence[Mapping[str, Any]], start: Column, end: Column
) -> float | None:
    """Return the unit in which durations equal the time from start to end; None if none does."""
    read_start, read_end = time_parser(start.unit), time_parser(end.unit)
    ratios = []
    for row in rows:
        try:
            span = read_end(row.get(end.name)) - read_start(row.get(start.name))
            ratios.append(span / float(row[name]))
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            continue
    if not ratios:
        return None
    ratio = median(ratios)
    return next((u for u in _UNITS if u / _MAX_MISFIT < ratio < u * _MAX_MISFIT), None)


def starts_before_written(times: Sequence[Any], durations: Sequence[float]) -> bool:
    """True if the order of the lines shows that these times are starts.

    A line is written when its call has ended, so that in a log the ends never decrease, and the
    starts do as soon as a call overtakes another.

    Args:
        times: the times as written, in the order of the lines.
        durations: the durations in seconds.
    """
    moments = [parse_time(time) for time in times]
    ends = [moment + seconds for moment, seconds in zip(moments, durations, strict=True)]
    return _decreases(moments) and not _decreases(ends)


def _decreases(moments: Sequence[float]) -> bool:
    # Stamps to the second, and threads that write at once, are no decrease.
    return any(after < before - 1 for before, after in pairwise(moments))
