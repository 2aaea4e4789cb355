"""Parse calls from access logs: nginx (and compatible ones), Envoy, uvicorn.

A server writes a line when a request has ended. Failures are statuses from 500 on, and 0, which
Envoy writes if no response was sent. 499, a caller that gave up, is judged by its duration.
"""

import re
from collections.abc import Callable
from typing import Final

from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.value_parsers import SECONDS, parse_time

NO_DURATION_NGINX: Final = (
    "this access log has no duration; add rt=$request_time to nginx's log_format "
    "(understood: rt=, request_time=, upstream_response_time=, urt=, or a bare $request_time "
    "after the combined format)"
)
NO_DURATION_UVICORN: Final = (
    "uvicorn's own access log has neither the time nor the duration of a call; log JSON Lines of "
    "start, duration and status in a middleware, or lines that begin with a date "
    "(2026-03-01T12:00:00.123Z) and hold a duration with its unit (12.3ms)"
)

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_NGINX: Final = re.compile(
    rf"\S+ \S+ [^\[]*\[([^\]]+)\] {_QUOTED} (\d{{3}}) (?:\d+|-)((?: {_QUOTED} {_QUOTED})?)(.*)"
)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_KEYED: Final = re.compile(
    r'\b(request_time|rt|upstream_response_time|urt)[=:]\s*"?([0-9][0-9., :]*|-)'
)
_BARE: Final = re.compile(r'(?:^|[\s"])(\d+\.\d{3})(?=$|[\s"])')
_ENVOY: Final = re.compile(
    rf"\[([^\]]+)\] {_QUOTED} (\d{{1,3}}) \S+ .*?(?<!\S)\d+ \d+ (\d+) (?:\d+|-) {_QUOTED}.*"
)
_UVICORN: Final = re.compile(r':\d+ - "[A-Z]+ \S+ HTTP/[\d.]+" (\d{3})\b')
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_DURATION: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(ns|us|µs|ms|s)\b")


def is_nginx(line: str) -> bool:
    """True if the line has the common or combined format, with or without further fields."""
    return _NGINX.fullmatch(line) is not None


def is_envoy(line: str) -> bool:
    """True if the line has the default format of Envoy or Istio."""
    return _ENVOY.fullmatch(line) is not None


def is_uvicorn(line: str) -> bool:
    """True if the line is from the access log of uvicorn."""
    return _UVICORN.search(line) is not None


def nginx_parser() -> Callable[[str], CallRecord | None]:
    """Return a parser of the combined format with a duration; the date is the end of the call."""
    read_date = _cache_last(_date_of)

    def parse(line: str) -> CallRecord | None:
        if not line:
            return None
        parts = _NGINX.fullmatch(line)
        if parts is None:
            raise ValueError(f"found {line[:60]!r}; wanted nginx's combined format")
        seconds = nginx_duration(parts[4])
        if seconds is None:
            raise ValueError("no duration in this line")
        return CallRecord(read_date(parts[1]) - seconds, seconds, _failed(parts[2]))

    return parse


def nginx_duration(rest: str) -> float | None:
    """Return the seconds in the fields after the combined format: of the request, else upstream."""
    keyed = {name: value for name, value in _KEYED.findall(rest) if value != "-"}
    for name in ("request_time", "rt", "upstream_response_time", "urt"):
        if name in keyed:
            # Several upstreams, tried in turn, are separated by commas and colons.
            return sum(float(part) for part in re.findall(r"\d+(?:\.\d+)?", keyed[name]))
    bare = _BARE.search(rest)
    return float(bare[1]) if bare else None


def nginx_rest(line: str) -> str:
    """Return the fields after the combined format; empty if the line has another format."""
    parts = _NGINX.fullmatch(line)
    return parts[4] if parts else ""


def envoy_parser() -> Callable[[str], CallRecord | None]:
    """Return a parser of Envoy's default format; the date is the start, the duration is in ms."""

    def parse(line: str) -> CallRecord | None:
        if not line:
            return None
        parts = _ENVOY.fullmatch(line)
        if parts is None:
            raise ValueError(f"found {line[:60]!r}; wanted Envoy's default format")
        return CallRecord(parse_time(parts[1]), int(parts[3]) / 1000, _failed(parts[2]))

    return parse


def uvicorn_parser() -> Callable[[str], CallRecord | None]:
    """Return a parser of uvicorn's access lines with date and duration; it skips other lines."""
    read_date = _cache_last(parse_time)

    def parse(line: str) -> CallRecord | None:
        parts = _UVICORN.search(line)
        if parts is None:
            return None
        date, duration = uvicorn_date(line), uvicorn_duration(line)
        if date is None or duration is None:
            raise ValueError(f"found no {'duration' if date else 'date'} in this line")
        return CallRecord(read_date(date) - duration, duration, _failed(parts[1]))

    return parse


def uvicorn_date(line: str) -> str | None:
    """Return the date in the line; None if there is none."""
    date = _DATE.search(line)
    return date[0] if date else None


def uvicorn_duration(line: str) -> float | None:
    """Return the seconds after the status, else before it; None if there are none."""
    parts = _UVICORN.search(line)
    if parts is None:
        return None
    found = _DURATION.search(line, parts.end()) or _DURATION.search(line, 0, parts.start())
    return float(found[1]) * SECONDS[found[2]] if found else None


def _date_of(text: str) -> float:
    """Parse a date such as `10/Oct/2026:13:55:36 +0200`, or one by RFC 3339."""
    month = _MONTHS.get(text[3:6])
    if month is None:
        return parse_time(text)
    return parse_time(f"{text[7:11]}-{month:02}-{text[:2]}T{text[12:20]}{text[21:]}")


def _cache_last(read: Callable[[str], float]) -> Callable[[str], float]:
    """Return `read` with a cache of the last text, as consecutive lines share a second."""
    last_text, last_value = "", 0.0

    def look_up(text: str) -> float:
        nonlocal last_text, last_value
        if text != last_text:
            last_value = read(text)
            last_text = text
        return last_value

    return look_up


def _failed(status: str) -> bool:
    code = int(status)
    return code >= 500 or code == 0
