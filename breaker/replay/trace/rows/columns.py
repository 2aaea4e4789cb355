"""Find the columns of a table, or the keys of a JSON object, by their names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from breakerd.breaker.replay.trace.hints import NO_HINTS, Column, Hints, TimeIs
from breakerd.breaker.replay.trace.rows.tools import Tool, find_tool
from breakerd.breaker.replay.trace.units import UnitSource, unit_of_values
from breakerd.breaker.replay.trace.values.durations import SECONDS
from breakerd.breaker.replay.trace.values.outcomes import (
    OutcomeParser,
    outcome_by_error,
    outcome_by_http_status,
    outcome_by_success,
    outcome_by_word,
)

START_NAMES: Final = ("start", "start_time", "started", "started_at", "begin")
TIME_NAMES: Final = ("time", "timestamp", "ts", "date", "datetime", "at")
"""Names of times that are the start in one trace and the end in another."""
END_NAMES: Final = (
    "end", "end_time", "ended", "ended_at", "finished", "finished_at", "msec", "time_iso8601",
    "time_local",
)  # fmt: skip
DURATION_NAMES: Final = (
    "duration", "latency", "elapsed", "response_time", "request_time", "took", "time_taken",
    "upstream_response_time", "rt",
)  # fmt: skip
OUTCOME_NAMES: Final = {
    "outcome": outcome_by_word,
    "success": outcome_by_success,
    "status": outcome_by_http_status,
    "status_code": outcome_by_http_status,
    "http_status": outcome_by_http_status,
    "response_code": outcome_by_http_status,
    "code": outcome_by_word,
    "result": outcome_by_word,
    "error": outcome_by_error,
    "err": outcome_by_error,
    "failed": outcome_by_error,
    "ok": outcome_by_success,
}
MEMORY_NAMES: Final = ("memory", "memory_share", "memory_usage", "mem")

EXPECTED_COLUMNS: Final = (
    "a start (start, time, timestamp …) or an end (end, finished …), a duration (duration, latency "
    "…, with its unit as in latency_ms), and, if known, an outcome (outcome, status, error, "
    "success) and memory (memory from 0 to 1, memory_percent); or name them: --columns "
    "start=NAME,duration=NAME:ms,outcome=NAME"
)

_LOG_NAMES: Final = frozenset(
    {"level", "severity", "levelname", "log_level", "msg", "message", "event", "logger"}
)
"""Names that a record of a log has. It is written when its call has ended."""
_SHARES: Final = {"percent": 0.01, "pct": 0.01}


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns found in a trace: at least two of start, end and duration."""

    start: Column | None
    end: Column | None
    duration: Column | None
    outcome: str | None
    read_outcome: OutcomeParser
    memory: Column | None
    unit_source: UnitSource = UnitSource.NAMED
    """Where the unit of the duration comes from."""
    only: tuple[str, str] | None = None
    """A column, and the value that it has in the rows that are calls."""
    tool: str | None = None
    """The tool that writes these columns, if known."""
    time_assumed: bool = False
    """True if the start is a time of which nothing says what it marks."""

    @property
    def notes(self) -> list[str]:
        """Return what is missing or assumed, as sentences."""
        notes = []
        if self.time_assumed and self.start is not None:
            notes.append(
                f"{self.start.name!r} is taken for the start of calls; --time-is end, if it is "
                "the time at which they ended"
            )
        if self.outcome is None:
            notes.append("no outcome is recorded: every call counts as one that did not fail")
        return notes

    @property
    def names(self) -> str:
        """Return a description of the columns used."""
        columns = {
            "start": self.start,
            "end": self.end,
            "duration": self.duration,
            "memory": self.memory,
        }
        parts = [f"{part} from {column.name!r}" for part, column in columns.items() if column]
        parts += [f"outcome from {self.outcome!r}"] if self.outcome else []
        return ", ".join(parts) + (f", as {self.tool} writes them" if self.tool else "")


def find_columns(
    names: Iterable[str],
    hints: Hints = NO_HINTS,
    rows: Sequence[Mapping[str, Any]] = (),  # JSON objects, flattened
) -> Columns | None:
    """Return the columns by their names; None if start and duration cannot be derived from them.

    If several names have the same meaning, a duration with its unit is used, else the first one
    in the lists of this module.

    Args:
        names: all names.
        hints: what the user says of them.
        rows: some rows by name, for what names do not tell.

    Raises:
        ValueError: a hint names a column that the trace does not have.
    """
    plain = {_plain(name): name for name in names}
    hinted = {part: _existing(column, plain) for part, column in hints.columns.items()}
    tool = None if hinted.keys() - {"outcome", "memory"} else find_tool(plain)
    start, end, duration = _of_tool(tool, plain) if tool else _by_names(plain, hinted)
    source = UnitSource.NAMED if duration is None or duration.unit else UnitSource.ASSUMED
    if duration is not None and (hints.unit is not None or duration.unit is None):
        unit, source = unit_of_values(duration.name, rows, hints.unit, start, end)
        duration = Column(duration.name, unit)
    start, end, assumed = _times(plain, hints, (start, end, duration), tool)
    if sum(part is not None for part in (start, end, duration)) < 2:
        return None
    outcome = hinted["outcome"].name if "outcome" in hinted else _outcome(plain, tool)
    return Columns(
        start=start,
        end=end,
        duration=duration,
        outcome=outcome,
        read_outcome=_outcome_parser(outcome, tool),
        memory=hinted.get("memory") or _with_unit(plain, MEMORY_NAMES, _SHARES),
        unit_source=source,
        only=(plain[tool.only[0]], tool.only[1]) if tool and tool.only else None,
        tool=tool.name if tool else None,
        time_assumed=assumed,
    )


Times = tuple[Column | None, Column | None, Column | None]
"""Start, end and duration."""


def _existing(column: Column, plain: Mapping[str, str]) -> Column:
    if column.name in plain.values():
        return column
    raise ValueError(
        f"found no column {column.name!r}; the trace has {', '.join(map(repr, plain.values()))}"
    )


def _of_tool(tool: Tool, plain: Mapping[str, str]) -> Times:
    start = Column(plain[tool.start]) if tool.start else None
    end = Column(plain[tool.end]) if tool.end else None
    return start, end, Column(plain[tool.duration], tool.unit)


def _by_names(plain: dict[str, str], hinted: Mapping[str, Column]) -> Times:
    start = hinted.get("start") or _with_unit(plain, START_NAMES, SECONDS)
    end = hinted.get("end") or _with_unit(plain, END_NAMES, SECONDS)
    duration = hinted.get("duration") or _duration(plain)
    if "start" in hinted and "end" not in hinted and duration is not None:
        end = None
    if "end" in hinted and "start" not in hinted and duration is not None:
        start = None
    return start, end, duration


def _duration(plain: dict[str, str]) -> Column | None:
    for name in DURATION_NAMES:
        found = _with_unit(plain, (name,), SECONDS)
        if found is not None and found.unit is not None:
            return found
    return _with_unit(plain, DURATION_NAMES, SECONDS)


def _times(
    plain: dict[str, str], hints: Hints, found: Times, tool: Tool | None
) -> tuple[Column | None, Column | None, bool]:
    """Return start and end, and whether it is an assumption which of them a time is."""
    start, end, duration = found
    stated = hints.time_is is not None or "start" in hints.columns or "end" in hints.columns
    if tool is None and start is None and (end is None or duration is None):
        time = _with_unit(plain, TIME_NAMES, SECONDS)
        written_at_end = duration is not None and _is_log(plain, time)
        if written_at_end:
            end = end or time
        else:
            start = time
        if not stated and not written_at_end and start is not None and duration is not None:
            return start, end, True
    if duration is not None and hints.time_is is TimeIs.END and end is None:
        return None, start, False
    if duration is not None and hints.time_is is TimeIs.START and start is None:
        return end, None, False
    return start, end, False


def _is_log(plain: Mapping[str, str], time: Column | None) -> bool:
    at = time is not None and time.name.startswith("@")  # as Logstash names the time of a record
    return at or not _LOG_NAMES.isdisjoint(plain)


def _outcome(plain: Mapping[str, str], tool: Tool | None) -> str | None:
    wanted = (*tool.outcomes, "error") if tool else OUTCOME_NAMES
    return next((plain[name] for name in wanted if name in plain), None)


def _outcome_parser(name: str | None, tool: Tool | None) -> OutcomeParser:
    if name is None:
        return outcome_by_error
    known = OUTCOME_NAMES.get(_plain(name))
    if known is not None and not (tool and _plain(name) == "code"):
        return known
    return outcome_by_http_status


def _plain(name: str) -> str:
    """Return `name` in snake case: `Latency (ms)` and `latencyMs` give `latency_ms`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^a-z0-9µ]+", "_", words.lower().replace("%", "_percent")).strip("_")


def _with_unit(
    plain: Mapping[str, str], wanted: Iterable[str], units: Mapping[str, float]
) -> Column | None:
    for name in wanted:
        for unit, factor in units.items():
            if f"{name}_{unit}" in plain:
                return Column(plain[f"{name}_{unit}"], factor)
        if name in plain:
            return Column(plain[name], None)
    return None
