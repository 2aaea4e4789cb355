"""Parse the common and combined formats with a duration: nginx, Apache, gunicorn, Traefik, morgan.

The date is the end of the call in nginx, gunicorn and morgan, which write it with the line, and the
start in Apache and Traefik.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.replay.trace.access_logs.durations import DurationField, find_field
from breakerd.breaker.replay.trace.access_logs.lines import QUOTED, cache_last, call_with
from breakerd.breaker.replay.trace.hints import Hints, TimeIs
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.units import UnitSource, starts_before_written
from breakerd.breaker.replay.trace.values.outcomes import outcome_of_status
from breakerd.breaker.replay.trace.values.times import parse_log_date, unknown_zone

_LINE: Final = re.compile(
    rf"\S+ \S+ [^\[]*\[([^\]]+)\] {QUOTED} (\d{{3}}|-) (?:\d+|-)((?: {QUOTED} {QUOTED})?)(.*)"
)
_TRAEFIK: Final = re.compile(rf" (?:\d+|-) {QUOTED} (?:{QUOTED}|-) \d+ms")
"""Fields of Traefik after the combined format: number, router, server, duration."""
_START: Final = re.compile(r"\S+ \S+ .*\[\d\d/[A-Z]")


@dataclass(frozen=True, slots=True)
class CombinedFormat:
    """Findings in the first lines of a log in the combined format.

    Attributes:
        field: where the duration is.
        time_is: what the date marks.
        notes: what is assumed, as sentences.
    """

    field: DurationField
    time_is: TimeIs
    notes: tuple[str, ...]


def is_combined(line: str) -> bool:
    """True if the line has the common or combined format, with or without further fields."""
    return _LINE.fullmatch(line) is not None


def inspect(lines: Sequence[str], hints: Hints) -> CombinedFormat:
    """Return what these lines show; each must be of the combined format.

    Raises:
        ValueError: they have no duration, or one whose unit cannot be known.
    """
    parts = [found for line in lines if (found := _LINE.fullmatch(line))]
    rests = [found[4] for found in parts]
    field = find_field(rests, hints.unit)
    notes = [field.note] if field.note else []
    time_is, assumed = _time_is([found[1] for found in parts], rests, field, hints)
    if assumed:
        notes.append(
            "the dates are taken for the ends of calls, as gunicorn writes them; Apache writes "
            "the starts: --time-is start"
        )
    if zones := {zone for found in parts if (zone := unknown_zone(found[1]))}:
        notes.append(f"the time zone {min(zones)!r} is unknown: taken as UTC")
    return CombinedFormat(field, time_is, tuple(notes))


def combined_parser(form: CombinedFormat) -> Callable[[str], CallRecord | NoCall | None]:
    """Return a parser of lines of that format; it skips other lines."""
    read_date = cache_last(parse_log_date)
    seconds_in, dated_at_end = form.field.read, form.time_is is TimeIs.END

    def parse(line: str) -> CallRecord | NoCall | None:
        if not line:
            return None
        parts = _LINE.fullmatch(line)
        if parts is None:
            if _START.match(line):
                raise ValueError(f"found {line[:60]!r}; wanted the combined format")
            return NoCall.OTHER
        seconds = seconds_in(parts[4])
        if seconds is None:
            raise ValueError("no duration in this line")
        date = read_date(parts[1])
        status = 0 if parts[2] == "-" else int(parts[2])
        start = date - seconds if dated_at_end else date
        return call_with(start, seconds, outcome_of_status(status))

    return parse


def _time_is(
    dates: Sequence[str], rests: Sequence[str], field: DurationField, hints: Hints
) -> tuple[TimeIs, bool]:
    """Return what the dates mark, and whether that is an assumption."""
    if hints.time_is is not None:
        return hints.time_is, False
    if all(map(_TRAEFIK.fullmatch, rests)):
        return TimeIs.START, False
    pairs = [
        (date, seconds)
        for date, rest in zip(dates, rests, strict=True)
        if (seconds := field.read(rest)) is not None
    ]
    try:
        early = starts_before_written([date for date, _ in pairs], [s for _, s in pairs])
    except ValueError:
        early = False
    if early:
        return TimeIs.START, False
    return TimeIs.END, field.source is UnitSource.ASSUMED
