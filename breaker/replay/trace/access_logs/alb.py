"""Parse the access log of an AWS Application Load Balancer.

The date is that of the response. The three times, in seconds, are those until the request was sent
to a target, until the target answered, and until the answer was sent; -1 is none.
"""

import re
from typing import Final

from breakerd.breaker.replay.trace.access_logs.lines import call_with
from breakerd.breaker.replay.trace.record import CallRecord, NoCall
from breakerd.breaker.replay.trace.values.outcomes import outcome_of_status
from breakerd.breaker.replay.trace.values.times import parse_time

_LINE: Final = re.compile(
    r"(?:https?|h2|grpcs|wss?) (\d{4}-\d\d-\d\dT[\d:.]+Z) \S+ \S+:\d+ \S+ "
    r"(-?\d[\d.]*) (-?\d[\d.]*) (-?\d[\d.]*) (\d{3}|-) "
)
_CREATED: Final = re.compile(r' \d+ (\d{4}-\d\d-\d\dT[\d:.]+Z) "')


def is_alb(line: str) -> bool:
    """True if the line is of the access log of an Application Load Balancer."""
    return _LINE.match(line) is not None


def parse_alb(line: str) -> CallRecord | NoCall | None:
    """Parse a line; where a target did not answer, the duration is that from the request on."""
    if not line:
        return None
    parts = _LINE.match(line)
    if parts is None:
        return NoCall.OTHER
    end = parse_time(parts[1])
    times = [float(part) for part in parts.group(2, 3, 4)]
    seconds = sum(times)
    if min(times) < 0:
        created = _CREATED.search(line, parts.end())
        seconds = end - parse_time(created[1]) if created else sum(max(0.0, t) for t in times)
    status = 0 if parts[5] == "-" else int(parts[5])
    return call_with(end - max(0.0, seconds), max(0.0, seconds), outcome_of_status(status))
