"""Inspect the first rows of a trace: the header of a table, or JSON objects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from breakerd.breaker.replay.trace.hints import NO_HINTS, Hints, TimeIs
from breakerd.breaker.replay.trace.rows.columns import Columns, find_columns
from breakerd.breaker.replay.trace.rows.parsers import (
    csv_parser,
    join_quoted,
    json_parser,
    split_quoted,
)
from breakerd.breaker.replay.trace.rows.paths import Row, flatten, lookup
from breakerd.breaker.replay.trace.rows.tools import implied_header
from breakerd.breaker.replay.trace.values.times import time_parser

__all__ = [
    "Columns",
    "Table",
    "csv_parser",
    "has_columns",
    "is_json",
    "is_table",
    "join_quoted",
    "json_parser",
    "object_columns",
    "objects",
    "read_header",
    "table_columns",
    "table_rows",
    "whole_seconds",
]

_DELIMITERS: Final = (",", "\t", ";")
_MIN_ROWS: Final = 5
"""Minimum number of rows that show that times are written to the second."""


@dataclass(frozen=True, slots=True)
class Table:
    """Names and delimiter of a table, and the number of lines before its first row."""

    names: list[str]
    delimiter: str
    skip: int


def read_header(head: Sequence[str]) -> Table:
    """Return the header of a table: its first line, or the known one of a tool that writes none."""
    place = next(number for number, line in enumerate(head) if line and not line.isspace())
    line = head[place]
    delimiter = max(_DELIMITERS, key=line.count)
    cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
    implied = implied_header(cells)
    return Table(implied, delimiter, place) if implied else Table(cells, delimiter, place + 1)


def table_rows(table: Table, head: Sequence[str]) -> list[dict[str, str]]:
    """Return the first rows of a table by name; those of another width are left out."""
    rows = []
    for line in head[table.skip :]:
        try:
            cells = split_quoted(line, table.delimiter) if '"' in line else None
        except ValueError:
            continue
        cells = line.split(table.delimiter) if cells is None else cells
        if len(cells) == len(table.names):
            rows.append(dict(zip(table.names, cells, strict=True)))
    return rows


def table_columns(table: Table, head: Sequence[str], hints: Hints) -> Columns | None:
    """Return the columns of a table; None if start and duration cannot be derived from them."""
    return find_columns(table.names, hints, table_rows(table, head))


def objects(head: Sequence[str]) -> list[Row]:
    """Return the JSON objects among these lines."""
    rows: list[Row] = []
    for line in head:
        try:
            row = json.loads(line) if line.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def object_columns(rows: Sequence[Row], hints: Hints = NO_HINTS) -> Columns | None:
    """Return the keys of JSON objects; None if start and duration cannot be derived from them."""
    flat = [dict(flatten(row)) for row in rows]
    keys = list(dict.fromkeys(key for row in flat for key in row))
    columns = find_columns(keys, hints, flat)
    if columns is not None and columns.outcome is None:
        # A key that only failures have may come later.
        columns = find_columns([*keys, "error"], hints, flat) or columns
    return columns


def is_json(head: Sequence[str]) -> bool:
    """True if there is a JSON object among these lines."""
    return bool(objects(head))


def is_table(head: Sequence[str], hints: Hints = NO_HINTS) -> bool:
    """True if the first line is a header with all that a call needs, or a row of a known tool.

    Raises:
        ValueError: a hint names a column that the header does not have.
    """
    return find_columns(read_header(head).names, hints) is not None


def has_columns(head: Sequence[str]) -> bool:
    """True if JSON objects among these lines have all that a call needs."""
    return object_columns(objects(head)) is not None


def whole_seconds(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> TimeIs | None:
    """Return what is written only to the second of records that are written at the end of calls.

    Where starts are given, whole seconds are taken as they are.
    """
    if columns.start is not None or columns.end is None:
        return None
    read, get = time_parser(columns.end.unit), lookup(columns.end.name)
    moments = []
    for row in rows:
        try:
            moments.append(read(get(row)))
        except ValueError:
            continue
    crowded = len(set(moments)) < len(moments)
    whole = all(moment.is_integer() for moment in moments)
    return TimeIs.END if len(moments) >= _MIN_ROWS and whole and crowded else None
