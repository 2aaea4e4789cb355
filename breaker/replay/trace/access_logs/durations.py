"""Find the duration among the fields after the combined format.

nginx writes seconds with three decimals, gunicorn's %(L)s seconds with six, Apache's %D and
gunicorn's %(D)s whole microseconds, and Tomcat's %D before version 10 whole milliseconds.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

from breakerd.breaker.replay.trace.access_logs.lines import QUOTED
from breakerd.breaker.replay.trace.hints import Unit
from breakerd.breaker.replay.trace.units import UnitSource
from breakerd.breaker.replay.trace.values.durations import SECONDS

NO_DURATION: Final = (
    "this access log has no duration; add one: nginx's log_format rt=$request_time, Apache's "
    "LogFormat duration_us=%D, gunicorn's access_log_format %(L)s, morgan's :response-time ms "
    "(understood: NAME=VALUE with rt, request_time, duration, response_time, took, urt or "
    "upstream_response_time, a number with its unit as in 12.3ms, or a bare number after the "
    "combined format)"
)
_NAMES: Final = (
    "request_time", "rt", "duration", "response_time", "time_taken", "took", "latency", "elapsed",
    "upstream_response_time", "urt",
)  # fmt: skip
_UNITS: Final = "ns|us|µs|μs|ms|s"
_KEYED: Final = re.compile(
    rf'\b({"|".join(_NAMES)})(?:_({_UNITS}))?[=:]\s*"?(?:([0-9][0-9., :]*)({_UNITS})?\b|-)'
)
_WITH_UNIT: Final = re.compile(rf'(?:^|[\s"])(\d+(?:\.\d+)?) ?({_UNITS})(?=$|[\s",;])')
_DECIMAL: Final = re.compile(r'(?:^|[\s"])(\d{1,6}\.\d{3,6})(?=$|[\s"])')
_WHOLE: Final = re.compile(r"(?:^|\s)(\d+)(?=$|\s)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_QUOTED_TEXT: Final = re.compile(QUOTED)

MIN_MICROSECONDS: Final = 5000
"""Smallest median of whole numbers that are taken as microseconds. Smaller ones may be
milliseconds as well: 65 is slow as neither."""


@dataclass(frozen=True, slots=True)
class DurationField:
    """Where a log has the duration.

    Attributes:
        name: the field, as in an error.
        read: returns the seconds in the fields after the combined format; None if there are none.
        source: where its unit comes from.
        note: what is assumed, as a sentence; empty if nothing is.
    """

    name: str
    read: Callable[[str], float | None]
    source: UnitSource = UnitSource.NAMED
    note: str = ""


def find_field(rests: Sequence[str], unit: Unit | None = None) -> DurationField:
    """Return where the duration is in most of these texts.

    Args:
        rests: the fields after the combined format, one text per line.
        unit: the unit of numbers without one, if the user states it.

    Raises:
        ValueError: there is no duration, or its unit cannot be known.
    """
    for kind, read in _KINDS.items():
        found = [number for rest in rests if (number := read(rest)) is not None]
        if 2 * len(found) < len(rests) or not found:
            continue
        name = _name_of(rests) if read is _keyed else kind
        bare = [number for number in found if number.unit is None]
        if bare and unit is not None:
            return DurationField(name, _in_seconds(read, unit.seconds), UnitSource.STATED)
        if any(number.value for number in bare) and all(number.whole for number in bare):
            return _whole_numbers(name, read, [number.value for number in bare])
        return DurationField(name, _in_seconds(read, 1.0))
    if any(len(_WHOLE.findall(_bare(rest))) > 1 for rest in rests):
        raise ValueError(
            "this access log has several numbers after the combined format, and which is the "
            "duration cannot be known; name it in the format: rt=$request_time, duration_us=%D"
        )
    raise ValueError(NO_DURATION)


class _Number(NamedTuple):
    """Number in a log, its unit in seconds if it has one, and whether it has no decimals."""

    value: float
    unit: float | None
    whole: bool


def _whole_numbers(
    name: str, read: Callable[[str], _Number | None], numbers: Sequence[float]
) -> DurationField:
    values = ", ".join(f"{number:g}" for number in numbers[:3])
    if median(numbers) < MIN_MICROSECONDS:
        raise ValueError(
            f"found whole numbers ({values}) in {name}, whose unit cannot be known: Apache and "
            "gunicorn write microseconds as %D, Tomcat milliseconds, %T seconds; state it: "
            "--unit s|ms|us|ns"
        )
    return DurationField(
        name,
        _in_seconds(read, 1e-6),
        UnitSource.ASSUMED,
        f"{name} holds whole numbers ({values} …): taken as microseconds, as Apache's %D and "
        "gunicorn's %(D)s write them; --unit ms, if they are milliseconds",
    )


def _in_seconds(
    read: Callable[[str], _Number | None], unit: float
) -> Callable[[str], float | None]:
    def seconds(rest: str) -> float | None:
        found = read(rest)
        return None if found is None else found.value * (found.unit or unit)

    return seconds


def _name_of(rests: Sequence[str]) -> str:
    return next(repr(found[1]) for rest in rests if (found := _KEYED.search(rest)))


def _keyed(rest: str) -> _Number | None:
    """Return the number of the best name: that of the request, else that of the upstream."""
    found = {name: more for name, *more in _KEYED.findall(rest)}
    for name in _NAMES:
        if name not in found:
            continue
        named_unit, value, own_unit = found[name]
        # Several upstreams, tried in turn, are separated by commas and colons.
        numbers = _NUMBER.findall(value)
        if numbers:
            unit = SECONDS.get(own_unit or named_unit)
            return _Number(sum(map(float, numbers)), unit, "." not in value)
    return None


def _with_unit(rest: str) -> _Number | None:
    found = _WITH_UNIT.findall(_bare(rest))
    return _Number(float(found[-1][0]), SECONDS[found[-1][1]], False) if found else None


def _decimal(rest: str) -> _Number | None:
    found = _DECIMAL.search(rest)
    return _Number(float(found[1]), None, False) if found else None


def _whole(rest: str) -> _Number | None:
    found = _WHOLE.findall(_bare(rest))
    return _Number(float(found[0]), None, True) if len(found) == 1 else None


def _bare(rest: str) -> str:
    """Return the text with only those quotes left that hold a number."""
    return _QUOTED_TEXT.sub(
        lambda quoted: quoted[0].strip('"') if quoted[0][1:2].isdecimal() else "-", rest
    )


_KINDS: Final[dict[str, Callable[[str], _Number | None]]] = {
    "the named field": _keyed,
    "the field with a unit": _with_unit,
    "the field with decimals": _decimal,
    "the last field": _whole,
}
