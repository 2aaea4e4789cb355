"""Routes for the whole process: breakers, events, audit, metrics, health, reload."""

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute

from breakerd.api.config_changes.change import change_service, preview_service
from breakerd.api.config_changes.drift import drift_of
from breakerd.api.config_changes.etag import etag_of
from breakerd.api.config_changes.options import OptionsDep
from breakerd.api.http import sections
from breakerd.api.http.admin import ActorDep, AdminContext, AdminDep
from breakerd.api.http.metrics import BreakerCollector, exposition
from breakerd.api.http.parts import PARTS
from breakerd.api.json_response import JSONResponse
from breakerd.api.problems import Problem, Responses, invalid, openapi_responses
from breakerd.api.schemas.config_patch import SectionsPatch
from breakerd.api.schemas.responses import (
    AuditResponse,
    BreakersResponse,
    Health,
    Readiness,
    ReloadResult,
)
from breakerd.api.scopes.breakers import list_breakers_in
from breakerd.api.scopes.scope import ScopeQuery

_NO_ALERTING: Final = {"ok": True, "stalled": False, "paging": False}


def routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes that need a token."""
    router = APIRouter(route_class=route_class, tags=["process"])
    router.get("/breakers")(list_breakers)
    router.get("/audit")(list_audit)
    in_text: Responses = {
        200: {"content": {"text/plain": {}}, "description": "Prometheus text format."}
    }
    router.get("/metrics", response_class=Response, responses=in_text)(get_metrics)
    router.post("/-/reload", responses=openapi_responses(409))(reload)
    router.get("/config")(get_sections)
    router.patch("/config", responses=openapi_responses(404, 409, 412, 503))(change_sections)
    return router


def health_routes(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes without access check; they reveal no details."""
    router = APIRouter(route_class=route_class, tags=["health"])
    router.get("/healthz")(get_health)
    answers: Responses = {
        200: {"model": Readiness, "description": "Ready for calls."},
        503: {"model": Readiness, "description": "It is stopping, or alerting hangs."},
    }
    router.get("/readyz", responses=answers)(get_readiness)
    return router


def list_breakers(admin: AdminDep, scope: ScopeQuery = None) -> BreakersResponse:
    """List the breakers with a summary of each, and whether people are paged.

    Where there is a hub, those that only other processes hold are among them.
    """
    return list_breakers_in(admin, scope)


def list_audit(
    admin: AdminDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    breaker: Annotated[
        str | None, Query(description="Only changes of this breaker.", examples=["default"])
    ] = None,
) -> AuditResponse:
    """List the latest changes, newest first."""
    if admin.fleet is not None:
        admin.fleet.refresh()  # what another process was asked for just now is in it
    entries = admin.audit.entries(limit, breaker)
    return AuditResponse(entries=entries, problem=admin.audit.problem)


def get_metrics(
    admin: AdminDep,
    request: Request,
    scope: Annotated[
        Literal["process", "host"],
        Query(
            description="Processes whose breakers are counted: the one that answers, or all of its "
            "host that share its hub, with those that have ended."
        ),
    ] = "host",
) -> Response:
    """Return all metrics, in the format that the scraper accepts.

    Those of breakers are sums over the processes of the host, where there is a hub.
    """
    views = admin.views if scope == "host" else None
    collector = BreakerCollector(
        admin.registry,
        admin.alerting,
        admin.not_running,
        admin.fleet,
        views,
        partial(drift_of, admin),
    )
    body, media_type = exposition(collector, request.headers.get("accept", ""))
    # As a header: older versions of Starlette add a second charset to a media type.
    return Response(body, headers={"Content-Type": media_type})


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


def get_sections(admin: AdminDep, response: Response) -> dict[str, dict[str, Any]]:
    """Return `[opsgenie]`, `[alerts]`, `[api]` and `[fleet]` in force, secrets masked."""
    found = sections.read(admin)
    response.headers["ETag"] = etag_of(admin, found)
    return found


def change_sections(
    admin: AdminDep, actor: ActorDep, body: SectionsPatch, options: OptionsDep, response: Response
) -> dict[str, Any]:
    """Change any keys of the file together: all of them, or none if one is wrong.

    Keys of these sections, of the root and of `breakers.NAME`; null removes one. Secrets, paths and
    addresses, and who has access, are changed in the file only. Keys that are read at start take
    effect with the next one. `If-Match` with the ETag of what was read refuses the change if it has
    changed since. A dry run answers what it would change. `shared` is the progress at the other
    hosts; it is absent where all processes read one file.
    """
    changes = body.changes()
    if options.dry_run:
        return preview_service(admin, actor, changes, options)
    shared = change_service(admin, actor, changes, options).as_json() if changes else {}
    return {**get_sections(admin, response), **shared}


async def get_health() -> Health:
    """Return that the process is alive."""
    return Health(status="ok")


async def get_readiness(request: Request) -> JSONResponse:
    """Return whether the service is ready for calls, and the result of each check.

    The service is not ready while it stops, and when alerting has stopped running, which a restart
    repairs. Another failing check does not count: breakers decide without alerting and by the last
    valid file, and are needed most when other things fail.
    """
    # No thread is needed for the answer: the pool may be full of requests that hang.
    admin: AdminContext = request.state.admin
    admin.parts.on_request()
    config = admin.registry.config
    alerting = admin.alerting.health() if admin.alerting else _NO_ALERTING
    checks: dict[str, str] = dict.fromkeys(PARTS, "ok")
    checks |= {
        "configuration": _check(config is None or config.status.successful),
        "alerting": _check(alerting["ok"]),
        "audit": _check(admin.audit.problem is None),
        "access": _check(admin.access.problem is None),
    }
    if risk := admin.access.risk:
        checks["access"] = f"risk: {risk}"
    checks |= dict.fromkeys(admin.not_running(), "not running")
    readiness = Readiness(
        ready=not alerting["stalled"] and not admin.stopping,
        paging=alerting["paging"],
        checks=checks,
    )
    return JSONResponse(readiness.model_dump(), 200 if readiness.ready else 503)


def _check(ok: bool) -> str:
    return "ok" if ok else "failing"
