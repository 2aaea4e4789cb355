"""Parse Envoy's default access log, also Istio's."""

import re
from typing import Final

from breakerd.breaker.replay.trace.access_logs.lines import QUOTED, call_with
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome, outcome_of_status
from breakerd.breaker.replay.trace.values.times import parse_time

_LINE: Final = re.compile(
    rf"\[([^\]]+)\] {QUOTED} (\d{{1,3}}) (\S+) .*?(?<!\S)\d+ \d+ (\d+) (?:\d+|-) {QUOTED}.*"
)
_DOWNSTREAM_CLOSED: Final = "DC"


def is_envoy(line: str) -> bool:
    """True if the line has the default format of Envoy or Istio."""
    return _LINE.fullmatch(line) is not None


def parse_envoy(line: str) -> CallRecord | NoCall | None:
    """Parse a line of Envoy's default format; the date is the start, the duration is in ms."""
    if not line:
        return None
    parts = _LINE.fullmatch(line)
    if parts is None:
        return _other(line)
    closed = _DOWNSTREAM_CLOSED in parts[3].split(",")
    outcome = CallOutcome.ABANDONED if closed else outcome_of_status(int(parts[2]))
    return call_with(parse_time(parts[1]), int(parts[4]) / 1000, outcome)


def _other(line: str) -> NoCall:
    if line.startswith("[") and '"' in line:
        raise ValueError(f"found {line[:60]!r}; wanted Envoy's default format")
    return NoCall.OTHER
