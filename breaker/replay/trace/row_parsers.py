"""Parse calls from rows: delimited lines with a header, and JSON objects, one per line."""

import csv
import json
from collections.abc import Callable
from typing import Final

from breakerd.breaker.replay.trace.columns import Column, Columns
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.value_parsers import (
    Value,
    duration_parser,
    share_parser,
    time_parser,
)

LineParser = Callable[[str], CallRecord | None]
"""Parser of one line. Returns None if the line holds no call; raises ValueError if it is broken."""

_MAX_CACHED: Final = 1000
"""Maximum number of cached outcomes; error texts may be unlimited in number."""


def csv_parser(columns: Columns, names: list[str], delimiter: str) -> LineParser:
    """Return a parser of the lines after the header `names`; one line is one call."""
    call_from = _call_reader(columns)
    width = len(names)
    # A missing column is read from an empty cell, which is appended to each row.
    start, end, duration, outcome, memory = (
        names.index(name) if name is not None else -1 for name in _wanted(columns)
    )

    def parse(line: str) -> CallRecord | None:
        if not line or line.isspace():
            return None
        quoted = '"' in line
        cells: list[str | None] = [*(_unquoted if quoted else str.split)(line, delimiter)]
        if len(cells) != width:
            raise ValueError(f"found {len(cells)} columns; the header has {width}")
        cells.append(None)
        return call_from(cells[start], cells[end], cells[duration], cells[outcome], cells[memory])

    return parse


def json_parser(columns: Columns) -> LineParser:
    """Return a parser of JSON objects; one object is one call."""
    call_from = _call_reader(columns)
    start, end, duration, outcome, memory = (name or "" for name in _wanted(columns))

    def parse(line: str) -> CallRecord | None:
        if not line or line.isspace():
            return None
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"found {_short(line)}; wanted a JSON object ({error})") from None
        if not isinstance(row, dict):
            raise ValueError(f"found {_short(line)}; wanted a JSON object")  # noqa: TRY004 - as all broken lines
        get = row.get
        return call_from(get(start), get(end), get(duration), get(outcome), get(memory))

    return parse


def _unquoted(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"found {_short(line)}; its quotes do not match ({error})") from None


def _wanted(columns: Columns) -> tuple[str | None, ...]:
    return (
        _name(columns.start),
        _name(columns.end),
        _name(columns.duration),
        columns.outcome,
        _name(columns.memory),
    )


def _name(column: Column | None) -> str | None:
    return None if column is None else column.name


def _unit(column: Column | None) -> float | None:
    return None if column is None else column.unit


def _call_reader(columns: Columns) -> Callable[[Value, Value, Value, Value, Value], CallRecord]:
    """Return a function that builds a call from raw start, end, duration, outcome and memory."""
    read_duration = duration_parser(_unit(columns.duration) or 1.0)
    read_memory = share_parser(_unit(columns.memory) or 1.0)
    failed = _cached(columns.failed) if columns.outcome else _never
    read_start = time_parser(_unit(columns.start))
    read_end = time_parser(_unit(columns.end))
    has_start, has_duration = columns.start is not None, columns.duration is not None

    def read(
        start: Value, end: Value, duration: Value, outcome: Value, memory: Value
    ) -> CallRecord:
        if not has_duration:
            begin = read_start(start)
            seconds = read_end(end) - begin
            if seconds < 0:
                raise ValueError(f"found an end, {end!r}, before its start, {start!r}")
        else:
            seconds = read_duration(duration)
            begin = read_start(start) if has_start else read_end(end) - seconds
        return CallRecord(begin, seconds, failed(outcome), read_memory(memory))

    return read


def _cached(failed: Callable[[Value], bool]) -> Callable[[Value], bool]:
    """Return `failed` with a cache of its results."""
    known: dict[tuple[type, Value], bool] = {}

    def look_up(value: Value) -> bool:
        key = (type(value), value)
        try:
            return known[key]
        except KeyError:
            result = failed(value)
        except TypeError:
            raise ValueError(f"found {value!r} as outcome; wanted one value") from None
        if len(known) < _MAX_CACHED:
            known[key] = result
        return result

    return look_up


def _never(value: Value) -> bool:  # noqa: ARG001 - replaces a parser of outcomes
    return False


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "…")
