"""Routes for the whole process: breakers, events, audit, metrics, health, reload."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute

from breakerd.api.http.admin import ActorDep, AdminDep
from breakerd.api.http.event_feed import Subscriber
from breakerd.api.http.metrics import exposition
from breakerd.api.json_response import JSONResponse
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
"""OpenAPI description of server-sent events; `data` is an event as JSON."""


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes that need a token."""
    router = APIRouter(route_class=route_class, tags=["process"])
    router.get("/breakers")(list_breakers)
    as_events: Responses = {
        200: {"content": {"text/event-stream": _EVENTS}, "description": "Events from now on."}
    }
    router.get("/events", response_class=Response, responses=as_events | openapi_responses(503))(
        follow_events
    )
    router.get("/audit")(list_audit)
    in_text: Responses = {
        200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}
    }
    router.get("/metrics", response_class=Response, responses=in_text)(get_metrics)
    router.post("/-/reload", responses=openapi_responses(409))(reload)
    return router


def health_routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes without access check; they reveal no details."""
    router = APIRouter(route_class=route_class, tags=["health"])
    router.get("/healthz")(get_health)
    router.head("/healthz", include_in_schema=False)(get_health)
    answers: Responses = {
        200: {"model": Readiness, "description": "Ready for calls."},
        503: {"model": Readiness, "description": "The service is stopping."},
    }
    router.get("/readyz", responses=answers)(get_readiness)
    router.head("/readyz", include_in_schema=False)(get_readiness)
    return router


def list_breakers(admin: AdminDep) -> BreakersResponse:
    """List the breakers of this process, with a summary of each."""
    return BreakersResponse(breakers=[_summary(breaker) for breaker in admin.registry])


async def open_subscription(
    admin: AdminDep,
    breaker: Annotated[
        str | None, Query(description="Only events of this breaker.", examples=["default"])
    ] = None,
) -> AsyncIterator[Subscriber]:
    """Subscribe to events for as long as the request lasts."""
    settings = admin.settings
    async with admin.feed.subscribe(
        limit=settings.event_streams, buffer=settings.event_buffer, breaker=breaker
    ) as subscriber:
        yield subscriber


async def follow_events(
    subscriber: Annotated[Subscriber, Depends(open_subscription)],
) -> StreamingResponse:
    """Stream events of all breakers from now on, as server-sent events with one JSON object each.

    The stream begins with a comment, so that a client knows that it is connected. Events dropped
    for a slow client are counted in an event of type `EventsMissed`.
    """
    # FastAPI's own server-sent events would encode each event once per client and pass it through
    # two queues: a quarter of a millisecond each.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(subscriber.chunks(), media_type="text/event-stream", headers=headers)


def list_audit(admin: AdminDep, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> AuditResponse:
    """List the latest changes, newest first."""
    return AuditResponse(entries=admin.audit.entries(limit), problem=admin.audit.problem)


def get_metrics(admin: AdminDep, request: Request) -> Response:
    """Return all metrics, in the format that the scraper accepts."""
    body, media_type = exposition(admin.registry, admin.alerting, request.headers.get("accept", ""))
    return Response(body, media_type=media_type)


def reload(admin: AdminDep, actor: ActorDep) -> ReloadResult:
    """Read the configuration file again; an invalid file is rejected and changes nothing."""
    config = admin.registry.config
    if config is None:
        raise Problem(409, "No configuration file: the service runs on built-in defaults.")

    def snapshot() -> dict[str, Any]:
        return {"successful": config.status.successful}

    with admin.audited(actor, "reload", snapshot=snapshot):
        if not config.reload():
            raise invalid(config.status.problems)
    return ReloadResult(message="Configuration applied", file=str(config.path))


async def get_health() -> Health:
    """Return that the process is alive."""
    return Health(status="ok")


def get_readiness(request: Request) -> JSONResponse:
    """Return whether the service is ready for calls, and the result of each check.

    The service is not ready only while it stops. A failing check does not count: breakers decide
    without alerting and by the last valid file, and are needed most when other things fail.
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
        checks={name: "ok" if ok else "failing" for name, ok in checks.items()},
    )
    return JSONResponse(readiness.model_dump(), 503 if admin.stopping else 200)


def _summary(breaker: Breaker) -> BreakerSummary:
    return BreakerSummary.model_validate(breaker.status())
