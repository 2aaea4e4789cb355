"""Find the columns of a table, or the keys of a JSON object, by their names."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.replay.trace.value_parsers import (
    SECONDS,
    Value,
    failed_by_error,
    failed_by_status,
    failed_by_success,
)

START_NAMES: Final = (
    "start", "start_time", "started", "started_at", "begin", "time", "timestamp", "ts", "date",
    "datetime", "at",
)  # fmt: skip
END_NAMES: Final = (
    "end", "end_time", "ended", "ended_at", "finished", "finished_at", "msec", "time_iso8601",
)  # fmt: skip
DURATION_NAMES: Final = (
    "duration", "latency", "elapsed", "response_time", "request_time", "took", "time_taken",
    "upstream_response_time", "rt",
)  # fmt: skip
OUTCOME_NAMES: Final = {
    "outcome": failed_by_status,
    "status": failed_by_status,
    "status_code": failed_by_status,
    "http_status": failed_by_status,
    "response_code": failed_by_status,
    "code": failed_by_status,
    "result": failed_by_status,
    "error": failed_by_error,
    "err": failed_by_error,
    "failed": failed_by_error,
    "success": failed_by_success,
    "ok": failed_by_success,
}
MEMORY_NAMES: Final = ("memory", "memory_share", "memory_usage", "mem")

EXPECTED_COLUMNS: Final = (
    "a start (start, time, timestamp …) or an end (end, finished …), a duration (duration, latency "
    "…, with its unit as in latency_ms), and, if known, an outcome (outcome, status, error, "
    "success) and memory (memory from 0 to 1, memory_percent)"
)


@dataclass(frozen=True, slots=True)
class Column:
    """Column with a quantity: its name as in the trace, and its unit."""

    name: str
    unit: float | None
    """Unit in seconds, or as a share of the memory limit; None if the name has none."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns found in a trace: at least two of start, end and duration."""

    start: Column | None
    end: Column | None
    duration: Column | None
    outcome: str | None
    failed: Callable[[Value], bool]
    memory: Column | None

    @property
    def notes(self) -> list[str]:
        """Return what is missing or assumed, as sentences."""
        notes = []
        if self.duration is not None and self.duration.unit is None:
            notes.append(
                f"{self.duration.name!r} names no unit: taken as seconds (name it "
                f"{self.duration.name}_ms if it is milliseconds)"
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
        return ", ".join(parts)


def find_columns(names: Iterable[str]) -> Columns | None:
    """Return the columns by their names; None if start and duration cannot be derived from them.

    If several names have the same meaning, the first one in the lists of this module is used.
    """
    plain = {_plain(name): name for name in names}
    start = _with_unit(plain, START_NAMES, SECONDS)
    end = _with_unit(plain, END_NAMES, SECONDS)
    duration = _with_unit(plain, DURATION_NAMES, SECONDS)
    if duration is not None and duration.unit is None and "response_flags" in plain:
        duration = Column(duration.name, 0.001)  # as Envoy's JSON log means it
    if sum(part is not None for part in (start, end, duration)) < 2:
        return None
    outcome = _first(plain, OUTCOME_NAMES)
    return Columns(
        start=start,
        end=end,
        duration=duration,
        outcome=outcome,
        failed=OUTCOME_NAMES[_plain(outcome)] if outcome else failed_by_error,
        memory=_with_unit(plain, MEMORY_NAMES, {"percent": 0.01, "pct": 0.01}),
    )


def _plain(name: str) -> str:
    """Return `name` in snake case: `Latency (ms)` and `latencyMs` give `latency_ms`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^a-z0-9µ]+", "_", words.lower().replace("%", "_percent")).strip("_")


def _first(plain: dict[str, str], wanted: Iterable[str]) -> str | None:
    return next((plain[name] for name in wanted if name in plain), None)


def _with_unit(
    plain: dict[str, str], wanted: Iterable[str], units: dict[str, float]
) -> Column | None:
    for name in wanted:
        for unit, factor in units.items():
            if f"{name}_{unit}" in plain:
                return Column(plain[f"{name}_{unit}"], factor)
        if name in plain:
            return Column(plain[name], None)
    return None
