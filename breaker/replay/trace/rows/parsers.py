"""Parse calls from rows: delimited lines with a header, and JSON objects, one per line."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from breakerd.breaker.replay.trace.hints import Column
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.rows.columns import Columns
from breakerd.breaker.replay.trace.rows.paths import lookup
from breakerd.breaker.replay.trace.values import Value
from breakerd.breaker.replay.trace.values.durations import duration_parser
from breakerd.breaker.replay.trace.values.memory import share_parser
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome, OutcomeParser
from breakerd.breaker.replay.trace.values.times import time_parser

Parsed = CallRecord | NoCall | None
LineParser = Callable[[str], Parsed]
"""Parser of one line. Returns None if the line is blank; raises ValueError if it is broken."""

MAX_JOINED_LINES: Final = 100
"""Maximum number of lines that a quoted cell with line ends may take."""

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
    mark, marked = (names.index(columns.only[0]), columns.only[1]) if columns.only else (-1, None)

    def parse(line: str) -> Parsed:
        if not line or line.isspace():
            return None
        quoted = '"' in line
        cells: list[str | None] = [*(split_quoted if quoted else str.split)(line, delimiter)]
        if len(cells) != width:
            raise ValueError(f"found {len(cells)} columns; the header has {width}")
        cells.append(None)
        if cells[mark] != marked:
            return NoCall.OTHER
        return call_from(cells[start], cells[end], cells[duration], cells[outcome], cells[memory])

    return parse


def json_parser(columns: Columns) -> LineParser:
    """Return a parser of JSON objects; one object is one call.

    A line that is no JSON, or an object without the keys that make a call, is another event.
    """
    call_from = _call_reader(columns)
    start, end, duration, outcome, memory = map(lookup, _wanted(columns))
    needed = [lookup(name) for name in _wanted(columns)[:3] if name is not None]
    if columns.duration is not None:
        needed = [duration]
    mark, marked = (lookup(columns.only[0]), columns.only[1]) if columns.only else (None, None)
    named = _name(columns.duration)

    def parse(line: str) -> Parsed:
        if not line or line.isspace():
            return None
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if line.lstrip()[0] not in "{[":
                return NoCall.OTHER
            raise ValueError(f"found {_short(line)}; wanted a JSON object ({error})") from None
        if not isinstance(row, dict):
            raise ValueError(f"found {_short(line)}; wanted a JSON object")  # noqa: TRY004 - as all broken lines
        if mark is not None and mark(row) != marked:
            return NoCall.OTHER
        if any(get(row) is None for get in needed) and named not in row:
            return NoCall.OTHER
        return call_from(start(row), end(row), duration(row), outcome(row), memory(row))

    return parse


def join_quoted(lines: Iterable[str], width: int, delimiter: str) -> Iterator[tuple[int, str]]:
    """Yield records with the number of lines of each: a quoted cell may hold line ends.

    A quote that is never closed takes no complete record with it.
    """
    held: list[str] = []
    for line in lines:
        if not held:
            if line.count('"') % 2:
                held.append(line)
            else:
                yield 1, line
            continue
        whole = not line.count('"') % 2 and line.count(delimiter) >= width - 1
        if (whole and _width(line, delimiter) == width) or len(held) >= MAX_JOINED_LINES:
            yield len(held), held[0]
            held = []
            yield 1, line
            continue
        held.append(line)
        if line.count('"') % 2:
            yield len(held), "\n".join(held)
            held = []
    if held:
        yield len(held), held[0]


def split_quoted(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line in which some are quoted.

    Raises:
        ValueError: its quotes do not match.
    """
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"found {_short(line)}; its quotes do not match ({error})") from None


def _width(line: str, delimiter: str) -> int:
    try:
        return len(split_quoted(line, delimiter))
    except ValueError:
        return 0


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


def _call_reader(columns: Columns) -> Callable[[Value, Value, Value, Value, Value], Parsed]:
    """Return a function that builds a call from raw start, end, duration, outcome and memory."""
    read_duration = duration_parser(_unit(columns.duration) or 1.0)
    read_memory = share_parser(_unit(columns.memory) or 1.0)
    read_outcome = _cached(columns.read_outcome) if columns.outcome else _unknown
    read_start = time_parser(_unit(columns.start))
    read_end = time_parser(_unit(columns.end))
    has_start, has_duration = columns.start is not None, columns.duration is not None

    def read(start: Value, end: Value, duration: Value, outcome: Value, memory: Value) -> Parsed:
        ended = read_outcome(outcome)
        if ended is CallOutcome.REJECTED:
            return NoCall.REJECTED
        if not has_duration:
            begin = read_start(start)
            seconds = read_end(end) - begin
            if seconds < 0:
                raise ValueError(f"found an end, {end!r}, before its start, {start!r}")
        else:
            seconds = read_duration(duration)
            begin = read_start(start) if has_start else read_end(end) - seconds
        return CallRecord(
            begin,
            seconds,
            ended is CallOutcome.ERROR,
            read_memory(memory),
            ended is CallOutcome.ABANDONED,
        )

    return read


def _cached(read: OutcomeParser) -> OutcomeParser:
    """Return `read` with a cache of its results."""
    known: dict[tuple[type, Value], CallOutcome] = {}

    def look_up(value: Value) -> CallOutcome:
        key = (type(value), value)
        try:
            return known[key]
        except KeyError:
            result = read(value)
        except TypeError:
            raise ValueError(f"found {value!r} as outcome; wanted one value") from None
        if len(known) < _MAX_CACHED:
            known[key] = result
        return result

    return look_up


def _unknown(value: Value) -> CallOutcome:  # noqa: ARG001 - replaces a parser of outcomes
    return CallOutcome.SUCCESS


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "…")
