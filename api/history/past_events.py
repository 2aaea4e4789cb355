"""Past events of the host from its record, at once or as a stream that goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from breakerd.api.history.moments import ALLOWED, parse_moment
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.event_feed import GREETING, KEEPALIVE, KEEPALIVE_AFTER, Subscriber
from breakerd.api.problems import NO_RECORD, Problem
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.config.show_value import format_value
from breakerd.breaker.config.validate import suggest_key
from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.errors import ConfigError, ConfigProblem
from breakerd.breaker.record.event import KINDS, RecordEvent
from breakerd.breaker.record.record import Record
from breakerd.breaker.record.rows import RecordError

MAX_EVENTS: Final = 10_000
"""Maximum number of events in an answer."""
_PAGE: Final = 500
"""Maximum number of events that a stream reads at once."""
_NO_RECORD: Final = (
    "This process keeps no record of past events: see `[history]` and `not_running`."
)


@dataclass(frozen=True, slots=True)
class EventsQuestion:
    """What is asked for.

    Attributes:
        since: seconds since the epoch.
        until: seconds since the epoch.
        kinds: only these; None: all.
        breaker: those of this breaker and of the process as a whole; None: all.
    """

    since: float
    until: float
    kinds: Sequence[str] | None
    breaker: str | None


def parse_events_question(
    since: str, until: str, kinds: str, breaker: str | None
) -> EventsQuestion:
    """Return what is asked for.

    Args:
        since: first moment.
        until: last moment.
        kinds: names with commas between; empty for all.
        breaker: name of the breaker; None: all.

    Raises:
        ConfigError: every problem in the query.
    """
    problems: list[ConfigProblem] = []
    now = time.time()
    moments = []
    for key, text in (("since", since), ("until", until)):
        try:
            moments.append(parse_moment(text, now))
        except (ValueError, OverflowError):
            problems.append(ConfigProblem("request", 0, key, format_value(text), ALLOWED))
    wanted = {name.strip() for name in kinds.split(",") if name.strip()}
    problems += [
        ConfigProblem("request", 0, "kinds", format_value(name), suggest_key(name, list(KINDS)))
        for name in sorted(wanted - set(KINDS))
    ]
    if problems:
        raise ConfigError(problems)
    return EventsQuestion(moments[0], moments[1], sorted(wanted) or None, breaker)


def require_record(admin: AdminContext) -> Record:
    """Return the record.

    Raises:
        Problem: 404 if none is kept.
    """
    if admin.record is None or not admin.record.running:
        raise Problem(404, _NO_RECORD, kind=NO_RECORD)
    return admin.record


def list_past_events(admin: AdminContext, question: EventsQuestion, limit: int) -> dict[str, Any]:
    """Return the latest events, oldest first.

    Raises:
        Problem: 404 if no record is kept, 503 if it cannot be read.
    """
    record = require_record(admin)
    record.flush()
    try:
        found = record.reader().events(
            question.since,
            question.until,
            breaker=question.breaker,
            kinds=question.kinds,
            limit=limit + 1,
        )
    except RecordError as error:
        raise Problem(503, f"{error}.", headers={"Retry-After": "5"}) from error
    return {
        "since": question.since,
        "until": question.until,
        "more": len(found) > limit,
        "events": [each.to_dict() for each in found[-limit:]],
    }


async def stream_past_events(
    admin: AdminContext, subscriber: Subscriber, question: EventsQuestion, after: int
) -> AsyncIterator[bytes]:
    """Yield past events as server-sent events with their numbers, then those that follow.

    While the record cannot be read, it waits.

    Args:
        admin: the admin plane, with a record.
        subscriber: ends the stream with the service, and wakes it when something happens here.
        question: what is asked for; the stream goes on after its `until`.
        after: number of the last event that the client has.
    """
    yield GREETING
    last_sent = CLOCK.monotonic()
    while not subscriber.closed:
        found, after = await asyncio.to_thread(_following, admin, question, after)
        if found:
            last_sent = CLOCK.monotonic()
            yield b"".join(_encode(each) for each in found)
        elif CLOCK.monotonic() - last_sent >= KEEPALIVE_AFTER:
            last_sent = CLOCK.monotonic()
            yield KEEPALIVE
        if len(found) < _PAGE:
            await subscriber.pause()


def _following(
    admin: AdminContext, question: EventsQuestion, after: int
) -> tuple[list[RecordEvent], int]:
    """Return the next events, and the number of the last one that was looked at."""
    try:
        reader = require_record(admin).reader()
        last = reader.last_event()
        found = reader.events_after(
            after,
            since=question.since,
            breaker=question.breaker,
            kinds=question.kinds,
            limit=_PAGE,
        )
    except (RecordError, Problem):
        return [], after
    seen = found[-1].id if found else after
    return found, seen if len(found) == _PAGE else max(seen, last)


def _encode(event: RecordEvent) -> bytes:
    return f"id: {event.id}\ndata: {dumps(event.to_dict(), ensure_ascii=True)}\n\n".encode()
