"""Detect the format of a trace, and select the reader of its lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from breakerd.breaker.replay.trace.access_logs import alb, combined, envoy, haproxy, uvicorn
from breakerd.breaker.replay.trace.access_logs.lines import MAX_LINE_LENGTH, bounded
from breakerd.breaker.replay.trace.hints import NO_HINTS, Hints, TimeIs
from breakerd.breaker.replay.trace.prometheus import is_sample
from breakerd.breaker.replay.trace.rows import reader as rows
from breakerd.breaker.replay.trace.rows.columns import EXPECTED_COLUMNS
from breakerd.breaker.replay.trace.rows.parsers import LineParser
from breakerd.breaker.replay.trace.units import UnitSource

MAX_HEAD_LINES: Final = 500
"""Maximum number of lines from which the format is detected."""
MAX_HEAD_LENGTH: Final = 1 << 21
"""Maximum number of characters in them; a line more may be read."""


class Format(StrEnum):
    """Formats of traces."""

    AUTO = "auto"
    CSV = "csv"
    JSONL = "jsonl"
    PROMETHEUS = "prometheus"
    NGINX = "nginx"
    """The common or combined format with a duration, of nginx and others."""
    ENVOY = "envoy"
    UVICORN = "uvicorn"
    HAPROXY = "haproxy"
    ALB = "alb"


Joined = Iterator[tuple[int, str]]
"""Records, with the number of lines of each."""


def _one_by_one(lines: Iterable[str]) -> Joined:
    return ((1, line) for line in lines)


@dataclass(frozen=True, slots=True)
class LineReader:
    """Reader of the lines of a trace.

    Attributes:
        parse: parses one record.
        skip: number of lines at the beginning that are not calls.
        notes: what is missing or assumed, as sentences.
        whole_seconds: what is known of calls only to the second: their starts or ends, or nothing.
        join: joins the lines of records that take several.
        duration: where durations come from.
        unit: their unit in seconds.
        unit_source: where that comes from.
    """

    parse: LineParser
    skip: int = 0
    notes: tuple[str, ...] = ()
    whole_seconds: TimeIs | None = None
    join: Callable[[Iterable[str]], Joined] = _one_by_one
    duration: str = "the duration"
    unit: float = 1.0
    unit_source: UnitSource = UnitSource.NAMED


def detect_format(head: Sequence[str], hints: Hints = NO_HINTS) -> Format:
    """Return the format of a trace that begins with these lines.

    Args:
        head: the first lines.
        hints: what the user says; named columns make a table of what could be none.

    Raises:
        ValueError: the format is unknown; the message has what was found and what is understood.
    """
    line = _first_line(head)
    if "\0" in line:
        raise ValueError("found binary data; wanted text, or text compressed by gzip")
    for form, known in _DETECTORS:
        if known(head):
            return form
    if hints.columns and rows.is_table(head, hints):
        return Format.CSV
    raise ValueError(
        f"{_place(head)}: found {_short(line)}, which is of no known format; understood: CSV with "
        "a header, JSON Lines, a Prometheus histogram (query_range, or text over time), and access "
        "logs of nginx, Apache, gunicorn, Traefik, Envoy, HAProxy, AWS load balancers and uvicorn; "
        "not summaries, as of wrk, locust or an HDR histogram. CSV and JSON need "
        f"{EXPECTED_COLUMNS}"
    )


def is_known(head: Sequence[str]) -> bool:
    """True if lines are of a known format, and hold what a call needs."""
    lines = [line for line in head if line and not line.isspace()]
    if not lines:
        return False
    if any(known(lines) for form, known in _DETECTORS if form is not Format.JSONL):
        return True
    return rows.has_columns(lines)


def line_reader(form: Format, head: Sequence[str], hints: Hints = NO_HINTS) -> LineReader:
    """Return the reader of a trace of that format that begins with these lines.

    Raises:
        ValueError: the lines are not of that format, or lack a required value.
    """
    _first_line(head)
    if hints.columns and form not in {Format.CSV, Format.JSONL}:
        raise ValueError(
            f"found --columns for a trace of the format {form}, which has no named columns; "
            "allowed there: --unit, --time-is"
        )
    return _READERS[form](head, hints)


def _csv_reader(head: Sequence[str], hints: Hints) -> LineReader:
    table = rows.read_header(head)
    columns = rows.table_columns(table, head, hints)
    if columns is None:
        found = ", ".join(map(_short, table.names))
        raise ValueError(f"{_place(head)}: found the columns {found}; wanted {EXPECTED_COLUMNS}")
    return _rows_reader(
        columns,
        rows.csv_parser(columns, table.names, table.delimiter),
        rows.whole_seconds(columns, rows.table_rows(table, head)),
        skip=table.skip,
        join=partial(rows.join_quoted, width=len(table.names), delimiter=table.delimiter),
    )


def _json_reader(head: Sequence[str], hints: Hints) -> LineReader:
    objects = rows.objects(head)
    columns = rows.object_columns(objects, hints)
    if columns is None:
        keys = dict.fromkeys(key for row in objects for key in row)
        found = ", ".join(map(_short, keys)) or _short(_first_line(head))
        raise ValueError(f"{_place(head)}: found the keys {found}; wanted {EXPECTED_COLUMNS}")
    return _rows_reader(columns, rows.json_parser(columns), rows.whole_seconds(columns, objects))


def _rows_reader(
    columns: rows.Columns,
    parse: LineParser,
    whole_seconds: TimeIs | None,
    *,
    skip: int = 0,
    join: Callable[[Iterable[str]], Joined] = _one_by_one,
) -> LineReader:
    notes = [f"read {columns.names}", *columns.notes]
    if whole_seconds is not None:
        notes.append(_SPREAD[whole_seconds])
    column = columns.duration
    return LineReader(
        parse,
        skip,
        tuple(notes),
        whole_seconds,
        join,
        duration=repr(column.name) if column else "the time from start to end",
        unit=(column.unit if column else None) or 1.0,
        unit_source=columns.unit_source,
    )


def _combined_reader(head: Sequence[str], hints: Hints) -> LineReader:
    lines = [x for x in head if len(x) <= MAX_LINE_LENGTH and combined.is_combined(x)]
    if not lines:
        raise ValueError(f"{_place(head)}: found {_short(_first_line(head))}; wanted nginx's log")
    try:
        form = combined.inspect(lines, hints)
    except ValueError as error:
        raise ValueError(f"line {head.index(lines[0]) + 1}: {error}") from None
    return LineReader(
        bounded(combined.combined_parser(form)),
        notes=(*form.notes, _SPREAD[form.time_is]),
        whole_seconds=form.time_is,
        duration=form.field.name,
        unit=1e-6 if form.field.source is UnitSource.ASSUMED else 1.0,
        unit_source=form.field.source,
    )


def _envoy_reader(head: Sequence[str], hints: Hints) -> LineReader:  # noqa: ARG001 - as all readers
    if not _any_line(envoy.is_envoy)(head):
        raise ValueError(
            f"{_place(head)}: found {_short(_first_line(head))}; wanted Envoy's default format"
        )
    return LineReader(bounded(envoy.parse_envoy))


def _uvicorn_reader(head: Sequence[str], hints: Hints) -> LineReader:  # noqa: ARG001 - as all readers
    lines = [x for x in head if len(x) <= MAX_LINE_LENGTH and uvicorn.is_uvicorn(x)]
    if not lines:
        raise ValueError(f"{_place(head)}: found {_short(_first_line(head))}; wanted uvicorn's log")
    if not any(map(uvicorn.has_date_and_duration, lines)):
        raise ValueError(f"{_place(head)}: {uvicorn.NO_DURATION}")
    return LineReader(bounded(uvicorn.uvicorn_parser()))


def _haproxy_reader(head: Sequence[str], hints: Hints) -> LineReader:  # noqa: ARG001 - as all readers
    if not _any_line(haproxy.is_haproxy)(head):
        raise ValueError(
            f"{_place(head)}: found {_short(_first_line(head))}; wanted HAProxy's HTTP log"
        )
    return LineReader(bounded(haproxy.parse_haproxy))


def _alb_reader(head: Sequence[str], hints: Hints) -> LineReader:  # noqa: ARG001 - as all readers
    if not _any_line(alb.is_alb)(head):
        raise ValueError(
            f"{_place(head)}: found {_short(_first_line(head))}; wanted the access log of an "
            "Application Load Balancer"
        )
    return LineReader(bounded(alb.parse_alb))


def _is_prometheus(head: Sequence[str]) -> bool:
    if any(map(is_sample, head)):
        return True
    return _first_line(head).lstrip().startswith("{") and any('"resultType"' in x for x in head)


def _any_line(test: Callable[[str], bool]) -> Callable[[Sequence[str]], bool]:
    return lambda head: any(len(line) <= MAX_LINE_LENGTH and test(line) for line in head)


_SPREAD: Final = {
    TimeIs.END: "the log gives ends of calls to the second: they are spread evenly over it",
    TimeIs.START: "the log gives starts of calls to the second: they are spread evenly over it",
}
_DETECTORS: Final[tuple[tuple[Format, Callable[[Sequence[str]], bool]], ...]] = (
    (Format.PROMETHEUS, _is_prometheus),
    (Format.JSONL, rows.is_json),
    (Format.ENVOY, _any_line(envoy.is_envoy)),
    (Format.HAPROXY, _any_line(haproxy.is_haproxy)),
    (Format.ALB, _any_line(alb.is_alb)),
    (Format.NGINX, _any_line(combined.is_combined)),
    (Format.UVICORN, _any_line(uvicorn.is_uvicorn)),
    (Format.CSV, rows.is_table),
)
_READERS: Final[dict[Format, Callable[[Sequence[str], Hints], LineReader]]] = {
    Format.CSV: _csv_reader,
    Format.JSONL: _json_reader,
    Format.NGINX: _combined_reader,
    Format.ENVOY: _envoy_reader,
    Format.UVICORN: _uvicorn_reader,
    Format.HAPROXY: _haproxy_reader,
    Format.ALB: _alb_reader,
}


def _first_line(head: Sequence[str]) -> str:
    """Return the first line that is not blank."""
    for line in head:
        if line and not line.isspace():
            return line
    raise ValueError("found nothing; wanted calls, one a line")


def _place(head: Sequence[str]) -> str:
    return f"line {head.index(_first_line(head)) + 1}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
