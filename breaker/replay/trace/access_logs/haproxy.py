"""Parse HAProxy's HTTP log (`option httplog`), after any prefix of syslog.

The date is that of the request, and the last timer (Ta, Tt before version 1.7) is the time from it
to the end of the response, in milliseconds. The log does not name its zone.
"""

import re
from typing import Final

from breakerd.breaker.replay.trace.access_logs.lines import call_with
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.values.outcomes import CallOutcome, outcome_of_status
from breakerd.breaker.replay.trace.values.times import parse_log_date

_LINE: Final = re.compile(
    r"(?<=:)\d+ \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] \S+ \S+ "
    r"(?:-?\d+/){4}\+?(\d+) (-?\d+) \+?\d+ \S+ \S+ (\S{4}) "
)


def is_haproxy(line: str) -> bool:
    """True if the line is of HAProxy's HTTP log."""
    return _LINE.search(line) is not None


def parse_haproxy(line: str) -> CallRecord | NoCall | None:
    """Parse a line of HAProxy's HTTP log; a session that the client aborted is abandoned."""
    if not line:
        return None
    parts = _LINE.search(line)
    if parts is None:
        return NoCall.OTHER
    aborted = parts[4][0] in "Cc"
    outcome = CallOutcome.ABANDONED if aborted else outcome_of_status(int(parts[3]))
    return call_with(parse_log_date(parts[1]), int(parts[2]) / 1000, outcome)
