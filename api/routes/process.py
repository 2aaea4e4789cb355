"""The process as a whole: its breakers, events, changes, metrics, health, and its file."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute

from breakerd.api.http.admin import ActorDep, AdminDep
from breakerd.api.http.event_feed import Subscriber
from breakerd.api.http.metrics import exposition
from breakerd.api.problems import Problem, Responses, invalid, openapi_responses
from breakerd.api.schemas.responses import (
    AuditResponse,
    BreakersResponse,
    BreakerSummary,
    Health,
    Readiness,
    ReloadResult,
)
from breakerd.breaker.breaker import Breaker

_EVENTS: Final = {
    "itemSchema": {
        "type": "object",
        "properties": {"data": {"type": "string"}, "retry": {"type": "integer", "minimum": 0}},
    }
}
"""What OpenAPI is to say of server-sent events: `data` is an event as JSON."""


def routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes that need a token."""
    router = APIRouter(route_class=route_class, tags=["process"])
    router.get("/breakers")(list_breakers)
    as_events: Responses = {
        200: {"content": {"text/event-stream": _EVENTS}, "description": "From now on."}
    }
    router.get("/events", response_class=Response, responses=as_events | openapi_responses(503))(
        follow_events
    )
    router.get("/audit")(list_audit)
    in_text: Responses = {
        200: {"content": {"text/plain": {}}, "description": "In Prometheus' format."}
    }
    router.get("/metrics", response_class=Response, responses=in_text)(get_metrics)
    router.post("/-/reload", responses=openapi_responses(409))(reload)
    return router


def health_routes(route_class: type[APIRoute]) -> APIRouter:
    """The routes that anyone may ask; they give nothing away."""
    router = APIRouter(route_class=route_class, tags=["health"])
    router.get("/healthz")(get_health)
    router.head("/healthz", include_in_schema=False)(get_health)
    answers: Responses = {
        200: {"model": Readiness, "description": "Calls may be sent here."},
        503: {"model": Readiness, "description": "The service is stopping."},
    }
    router.get("/readyz", responses=answers)(get_readiness)
    router.head("/readyz", include_in_schema=False)(get_readiness)
    return router


def list_breakers(admin: AdminDep) -> BreakersResponse:
    """The breakers of this process, in short."""
    return BreakersResponse(breakers=[_summary(breaker) for breaker in admin.registry])


async def open_subscription(
    admin: AdminDep,
    breaker: Annotated[
        str | None, Query(description="Only this breaker's.", examples=["default"])
    ] = None,
) -> AsyncIterator[Subscriber]:
    """A reader of events, which leaves with the request."""
    settings = admin.settings
    async with admin.feed.subscribe(
        limit=settings.event_streams, buffer=settings.event_buffer, breaker=breaker
    ) as reader:
        yield reader


async def follow_events(
    reader: Annotated[Subscriber, Depends(open_subscription)],
) -> StreamingResponse:
    """Events of all breakers from now on, as server-sent events, each with one JSON object.

    The first thing sent is a comment, so that a client knows that it is listening. What a slow
    client missed is counted and told by an event of type `EventsMissed`.
    """
    # Not yielded to the framework, which would write each event down for each reader, and pass it
    # through two queues: a quarter of a millisecond for each.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(reader.chunks(), media_type="text/event-stream", headers=headers)


def list_audit(admin: AdminDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> AuditResponse:
    """The latest changes that were asked for, newest first."""
    return AuditResponse(entries=admin.audit.entries(limit), problem=admin.audit.problem)


def get_metrics(admin: AdminDep, request: Request) -> Response:
    """All metrics, in the format that the scraper asks for."""
    body, media_type = exposition(admin.registry, admin.alerting, request.headers.get("accept", ""))
    return Response(body, media_type=media_type)


def reload(admin: AdminDep, actor: ActorDep) -> ReloadResult:
    """Reads the configuration file again; if anything in it is wrong, the old one goes on."""
    config = admin.registry.config
    if config is None:
        raise Problem(409, "The service runs on built-in defaults; there is no file to read.")

    def view() -> dict[str, Any]:
        return {"successful": config.status.successful}

    with admin.audited(actor, "reload", snapshot=view):
        if not config.reload():
            raise invalid(config.status.problems)
    return ReloadResult(message="Configuration applied", file=str(config.path))


async def get_health() -> Health:
    """Whether the process lives."""
    return Health(status="ok")


def get_readiness(request: Request) -> JSONResponse:
    """Whether calls may be sent here, and in one word each, what goes well and what does not.

    Only a service that is stopping is not ready: a breaker goes on deciding by the old file and
    without its alerts, and is needed most when other things fail.
    """
    admin = request.state.admin
    config = admin.registry.config
    alerting = admin.alerting.health() if admin.alerting else {"ok": True, "paging": False}
    checks = {
        "configuration": config is None or config.status.successful,
        "alerting": alerting["ok"],
        "audit": admin.audit.problem is None,
    }
    readiness = Readiness(
        ready=not admin.stopping,
        paging=alerting["paging"],
        checks={name: "ok" if well else "failing" for name, well in checks.items()},
    )
    return JSONResponse(readiness.model_dump(), 503 if admin.stopping else 200)


def _summary(breaker: Breaker) -> BreakerSummary:
    return BreakerSummary.model_validate(breaker.status())
