"""Parse uvicorn's access log, where dates and durations were added to it."""

import re
from collections.abc import Callable
from typing import Final

from breakerd.breaker.replay.trace.access_logs.lines import cache_last, call_with
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.values.durations import SECONDS
from breakerd.breaker.replay.trace.values.outcomes import outcome_of_status
from breakerd.breaker.replay.trace.values.times import parse_time

NO_DURATION: Final = (
    "uvicorn's own access log has neither the time nor the duration of a call; log JSON Lines of "
    "start, duration and status in a middleware, or lines that begin with a date "
    "(2026-03-01T12:00:00.123Z) and hold a duration with its unit (12.3ms)"
)

_LINE: Final = re.compile(r':\d+ - "[A-Z]+ \S+ HTTP/[\d.]+" (\d{3})\b')
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_DURATION: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(ns|us|µs|μs|ms|s)\b")


def is_uvicorn(line: str) -> bool:
    """True if the line is from the access log of uvicorn."""
    return _LINE.search(line) is not None


def has_date_and_duration(line: str) -> bool:
    """True if date and duration were added to a line of uvicorn's."""
    return _date(line) is not None and _duration(line) is not None


def uvicorn_parser() -> Callable[[str], CallRecord | NoCall | None]:
    """Return a parser of uvicorn's access lines with date and duration; it skips other lines."""
    read_date = cache_last(parse_time)

    def parse(line: str) -> CallRecord | NoCall | None:
        if not line:
            return None
        parts = _LINE.search(line)
        if parts is None:
            return NoCall.OTHER
        date, duration = _date(line), _duration(line)
        if date is None or duration is None:
            raise ValueError(f"found no {'duration' if date else 'date'} in this line")
        return call_with(read_date(date) - duration, duration, outcome_of_status(int(parts[1])))

    return parse


def _date(line: str) -> str | None:
    date = _DATE.search(line)
    return date[0] if date else None


def _duration(line: str) -> float | None:
    """Return the seconds after the status, else before it; None if there are none."""
    parts = _LINE.search(line)
    if parts is None:
        return None
    found = _DURATION.search(line, parts.end()) or _DURATION.search(line, 0, parts.start())
    return float(found[1]) * SECONDS[found[2]] if found else None
