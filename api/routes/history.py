"""Routes for what was: slots of one breaker, and events of one or of all, past and coming."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from breakerd.api.history import past_events, slots
from breakerd.api.history.past_events import EventsQuestion
from breakerd.api.http.admin import AdminContext, AdminDep
from breakerd.api.http.event_feed import Subscriber
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import Responses, openapi_responses
from breakerd.api.schemas.history import EventsResponse, HistoryResponse
from breakerd.api.security.exposure import Exposure
from breakerd.breaker.record.rows import RecordError
from breakerd.breaker.registry import DEFAULT

_STREAM: Final = "text/event-stream"
_FIELDS: Final = {
    "id": {"type": "string"},
    "data": {"type": "string"},
    "retry": {"type": "integer", "minimum": 0},
}
_ANSWERS: Final[Responses] = {
    200: {
        "model": EventsResponse,
        "content": {_STREAM: {"itemSchema": {"type": "object", "properties": _FIELDS}}},
        "description": "Past events; or a stream, whose `data` is an event as JSON.",
    }
}
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
    # A host's Starlette before 0.46 would compress the stream, and so hold back its events.
    "Content-Encoding": "identity",
}
_MOMENT: Final = "ISO 8601, seconds since 1970, or relative as -15m."


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes of the process as a whole."""
    router = APIRouter(route_class=route_class, tags=["process"])
    _add_events(router, follow_events)
    return router


def breaker_routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes of one breaker, without its prefix."""
    router = APIRouter(route_class=route_class, tags=["state"])
    router.get(
        "/history",
        response_model=None,
        responses={200: {"model": HistoryResponse, "description": "The slots."}},
    )(get_history)
    _add_events(router, follow_breaker_events)
    return router


def _add_events(router: APIRouter, endpoint: Any) -> None:
    answers = _ANSWERS | openapi_responses(404, 503)
    router.get("/events", response_model=None, response_class=Response, responses=answers)(endpoint)


def get_history(
    admin: AdminDep,
    request: Request,
    begin: Annotated[str, Query(alias="from", description=_MOMENT, examples=["-1h"])] = "-15m",
    to: Annotated[str, Query(description=_MOMENT, examples=["now"])] = "now",
    step: Annotated[
        str,
        Query(
            description="Width of the slots, as 10s or 5m; a multiple of 10 s, or for the last 15 "
            "minutes 1 to 9 s. By default one that gives at most 400 slots. Where no slots of ten "
            "seconds are kept any more, slots are a minute wide.",
            examples=["1m"],
        ),
    ] = "",
    fields: Annotated[
        str,
        Query(
            description=f"With commas between: {', '.join(slots.FIELDS)}. By default all.",
            examples=["calls,failures,p99_ms"],
        ),
    ] = "",
    scope: Annotated[
        Literal["host", "fleet"],
        Query(description="fleet: the sums of all hosts that a hub joins, up to 40 s late."),
    ] = "host",
    member: Annotated[
        str,
        Query(
            description="Only the calls of one process of the host, as HOST:PID, or of one host of "
            "the fleet; of the last hour.",
            examples=[""],
        ),
    ] = "",
) -> JSONResponse:
    """Return calls, failures, rejections, durations and state by slots of time."""
    now = time.time()
    name = _known_breaker(admin, request)
    question = slots.parse_question(begin, to, step, fields, now)
    question = replace(question, scope=scope, member=member)
    return JSONResponse(slots.answer(admin, name, question, now))


class EventsQuery:
    """What is asked for of the events, and how it is to be answered."""

    def __init__(
        self,
        request: Request,
        since: Annotated[str | None, Query(description=_MOMENT, examples=["-1h"])] = None,
        until: Annotated[
            str | None, Query(description=f"{_MOMENT} Not for a stream.", examples=["now"])
        ] = None,
        kinds: Annotated[
            str | None,
            Query(
                description="With commas between: transition, signal, recovery, settings, act, "
                "alert, reload.",
                examples=["transition,alert"],
            ),
        ] = None,
        limit: Annotated[
            int | None,
            Query(ge=1, le=past_events.MAX_EVENTS, description="The latest ones. Default: 1000."),
        ] = None,
        last_event_id: Annotated[
            str, Header(description="Number of the last event that a client of the stream has.")
        ] = "",
    ) -> None:
        self._since, self._until, self._kinds = since, until, kinds
        self.limit = limit or 1000
        self.after = int(last_event_id) if last_event_id.isdecimal() else 0
        accept = request.headers.get("accept", "")
        asked = any(each is not None for each in (since, until, kinds, limit))
        self.streams = _STREAM in accept or not (asked or "application/json" in accept)
        self.from_record = not self.streams or asked or bool(self.after)

    def question(self, breaker: str | None) -> EventsQuestion:
        """Return what is asked for.

        Raises:
            ConfigError: every problem in the query.
        """
        usual = "0" if self.after else "now" if self.streams else "-1h"
        since, until = self._since or usual, self._until or "now"
        return past_events.parse_events_question(since, until, self._kinds or "", breaker)


async def _open_subscription(
    admin: AdminContext, query: EventsQuery, breaker: str | None
) -> AsyncIterator[Subscriber | None]:
    """Subscribe to events for as long as the request lasts, if it is answered by a stream."""
    if not query.streams:
        yield None
        return
    settings = admin.settings
    async with admin.feed.subscribe(
        limit=settings.event_streams, buffer=settings.event_buffer, breaker=breaker
    ) as subscriber:
        yield subscriber


_Events = Annotated[EventsQuery, Depends()]
_Breaker = Annotated[
    str | None, Query(description="Only events of this breaker.", examples=["default"])
]


async def open_subscription(
    admin: AdminDep, query: _Events, breaker: _Breaker = None
) -> AsyncIterator[Subscriber | None]:
    """Subscribe to events for as long as a stream lasts."""
    async for subscriber in _open_subscription(admin, query, breaker):
        yield subscriber


async def open_breaker_subscription(
    admin: AdminDep, request: Request, query: _Events
) -> AsyncIterator[Subscriber | None]:
    """Subscribe to events of one breaker for as long as a stream lasts."""
    name = await run_in_threadpool(_known_breaker, admin, request)
    async for subscriber in _open_subscription(admin, query, name):
        yield subscriber


async def follow_events(
    admin: AdminDep,
    request: Request,
    query: _Events,
    subscriber: Annotated[Subscriber | None, Depends(open_subscription)],
    breaker: _Breaker = None,
) -> Response:
    """Stream events of all breakers from now on, or return past ones.

    The stream has server-sent events with one JSON object each. It begins with a comment, so that a
    client knows that it is connected. Events dropped for a slow client are counted in an event of
    type `EventsMissed`.

    With `since`, `until`, `kinds` or `limit`, past events of the host's record are returned as
    JSON; to who accepts `text/event-stream`, they are streamed, and those that follow. That needs a
    token, because operators' acts and alerts are among them.
    """
    if query.from_record:
        await admin.access.check(request, Exposure.PROTECTED)
    return await _answer(admin, query, subscriber, breaker)


async def follow_breaker_events(
    admin: AdminDep,
    request: Request,
    query: _Events,
    subscriber: Annotated[Subscriber | None, Depends(open_breaker_subscription)],
) -> Response:
    """Stream events of the breaker from now on, or return past ones; as `GET /events`."""
    return await _answer(admin, query, subscriber, _name(request))


async def _answer(
    admin: AdminContext, query: EventsQuery, subscriber: Subscriber | None, breaker: str | None
) -> Response:
    # FastAPI's own server-sent events would encode each event once per client and pass it through
    # two queues: a quarter of a millisecond each.
    if subscriber is not None and not query.from_record:
        return StreamingResponse(subscriber.chunks(), media_type=_STREAM, headers=_HEADERS)
    question = query.question(breaker)
    if subscriber is not None:
        past_events.require_record(admin)
        chunks = past_events.stream_past_events(admin, subscriber, question, query.after)
        return StreamingResponse(chunks, media_type=_STREAM, headers=_HEADERS)
    found = await run_in_threadpool(past_events.list_past_events, admin, question, query.limit)
    return JSONResponse(found)


def _name(request: Request) -> str:
    """Return the name of the breaker in the path; `default` if the path names none."""
    return str(request.path_params.get("name", DEFAULT))


def _known_breaker(admin: AdminContext, request: Request) -> str:
    """Return the name in the path, of a breaker that there is or was on this host.

    Raises:
        Problem: 404 if nobody knows it.
    """
    name = _name(request)
    if admin.registry.find(name) is None and name not in _recorded(admin):
        admin.get_breaker(name)
    return name


def _recorded(admin: AdminContext) -> list[str]:
    """Return the names in the record; none if it cannot be read."""
    if admin.record is None or not admin.record.running:
        return []
    try:
        return admin.record.reader().breakers()
    except RecordError:
        return []
