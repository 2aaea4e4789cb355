"""Detect the format of a trace, and select the reader of its lines."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from breakerd.breaker.replay.trace import access_log
from breakerd.breaker.replay.trace.columns import EXPECTED_COLUMNS, Columns, find_columns
from breakerd.breaker.replay.trace.prometheus import is_sample
from breakerd.breaker.replay.trace.row_parsers import LineParser, csv_parser, json_parser

HEAD_LINES: Final = 50
"""Number of lines from which the format is detected."""

_DELIMITERS: Final = (",", "\t", ";")


class Format(StrEnum):
    """Formats of traces."""

    AUTO = "auto"
    CSV = "csv"
    JSONL = "jsonl"
    PROMETHEUS = "prometheus"
    NGINX = "nginx"
    ENVOY = "envoy"
    UVICORN = "uvicorn"


@dataclass(frozen=True, slots=True)
class LineReader:
    """Reader of the lines of a trace.

    Attributes:
        parse: parses one line.
        skip: number of lines at the beginning that are not calls.
        notes: what is missing or assumed, as sentences.
        whole_seconds: True if the ends of calls are known only to the second.
    """

    parse: LineParser
    skip: int = 0
    notes: tuple[str, ...] = ()
    whole_seconds: bool = False


def detect_format(head: Sequence[str]) -> Format:
    """Return the format of a trace that begins with these lines.

    Raises:
        ValueError: the format is unknown; the message has what was found and what is understood.
    """
    line = _first_line(head)
    if "\0" in line:
        raise ValueError("found binary data; wanted text, or text compressed by gzip")
    for form, known in _DETECTORS:
        if known(head):
            return form
    raise ValueError(
        f"{_place(head)}: found {_short(line)}, which is of no known format; understood: CSV with "
        "a header, JSON Lines, a Prometheus histogram (query_range, or text over time), and access "
        f"logs of nginx, Envoy and uvicorn. CSV and JSON need {EXPECTED_COLUMNS}"
    )


def line_reader(form: Format, head: Sequence[str]) -> LineReader:
    """Return the reader of a trace of that format that begins with these lines.

    Raises:
        ValueError: the lines are not of that format, or lack a required value.
    """
    _first_line(head)
    return _READERS[form](head)


def _csv_reader(head: Sequence[str]) -> LineReader:
    names, delimiter = _header(head)
    columns = find_columns(names)
    if columns is None:
        found = ", ".join(map(_short, names))
        raise ValueError(f"{_place(head)}: found the columns {found}; wanted {EXPECTED_COLUMNS}")
    skip = head.index(_first_line(head)) + 1
    return LineReader(csv_parser(columns, names, delimiter), skip, _notes(columns))


def _json_reader(head: Sequence[str]) -> LineReader:
    keys = dict.fromkeys(key for row in _objects(head) for key in row)
    columns = find_columns(keys)
    if columns is None:
        found = ", ".join(map(_short, keys)) or _short(_first_line(head))
        raise ValueError(f"{_place(head)}: found the keys {found}; wanted {EXPECTED_COLUMNS}")
    if columns.outcome is None:
        # A key that only failures have may come later.
        columns = find_columns([*keys, "error"]) or columns
    return LineReader(json_parser(columns), 0, _notes(columns))


def _nginx_reader(head: Sequence[str]) -> LineReader:
    rests = [access_log.nginx_rest(line) for line in head if access_log.is_nginx(line)]
    if not rests:
        raise ValueError(f"{_place(head)}: found {_short(_first_line(head))}; wanted nginx's log")
    if all(access_log.nginx_duration(rest) is None for rest in rests):
        raise ValueError(f"{_place(head)}: {access_log.NO_DURATION_NGINX}")
    note = "the log gives ends of calls to the second: they are spread evenly over it"
    return LineReader(access_log.nginx_parser(), 0, (note,), whole_seconds=True)


def _envoy_reader(head: Sequence[str]) -> LineReader:
    if not any(map(access_log.is_envoy, head)):
        raise ValueError(
            f"{_place(head)}: found {_short(_first_line(head))}; wanted Envoy's default format"
        )
    return LineReader(access_log.envoy_parser())


def _uvicorn_reader(head: Sequence[str]) -> LineReader:
    lines = [line for line in head if access_log.is_uvicorn(line)]
    if not lines:
        raise ValueError(f"{_place(head)}: found {_short(_first_line(head))}; wanted uvicorn's log")
    if not any(access_log.uvicorn_date(x) and access_log.uvicorn_duration(x) for x in lines):
        raise ValueError(f"{_place(head)}: {access_log.NO_DURATION_UVICORN}")
    return LineReader(access_log.uvicorn_parser())


def _is_prometheus(head: Sequence[str]) -> bool:
    if any(map(is_sample, head)):
        return True
    return _first_line(head).lstrip().startswith("{") and any('"resultType"' in x for x in head)


def _is_jsonl(head: Sequence[str]) -> bool:
    return bool(_objects(head))


def _is_csv(head: Sequence[str]) -> bool:
    return find_columns(_header(head)[0]) is not None


def _any_line(test: Callable[[str], bool]) -> Callable[[Sequence[str]], bool]:
    return lambda head: any(map(test, head))


_DETECTORS: Final[tuple[tuple[Format, Callable[[Sequence[str]], bool]], ...]] = (
    (Format.PROMETHEUS, _is_prometheus),
    (Format.JSONL, _is_jsonl),
    (Format.ENVOY, _any_line(access_log.is_envoy)),
    (Format.NGINX, _any_line(access_log.is_nginx)),
    (Format.UVICORN, _any_line(access_log.is_uvicorn)),
    (Format.CSV, _is_csv),
)
_READERS: Final[dict[Format, Callable[[Sequence[str]], LineReader]]] = {
    Format.CSV: _csv_reader,
    Format.JSONL: _json_reader,
    Format.NGINX: _nginx_reader,
    Format.ENVOY: _envoy_reader,
    Format.UVICORN: _uvicorn_reader,
}


def _header(head: Sequence[str]) -> tuple[list[str], str]:
    """Return the names of the columns as in the header, and the delimiter."""
    line = _first_line(head)
    delimiter = max(_DELIMITERS, key=line.count)
    return [name.strip().strip('"') for name in line.split(delimiter)], delimiter


def _objects(head: Sequence[str]) -> list[dict[str, object]]:
    rows = []
    for line in head:
        try:
            row = json.loads(line) if line.lstrip().startswith("{") else None
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _first_line(head: Sequence[str]) -> str:
    """Return the first line that is not blank."""
    for line in head:
        if line and not line.isspace():
            return line
    raise ValueError("found nothing; wanted calls, one a line")


def _place(head: Sequence[str]) -> str:
    return f"line {head.index(_first_line(head)) + 1}"


def _notes(columns: Columns) -> tuple[str, ...]:
    return (f"read {columns.names}", *columns.notes)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
