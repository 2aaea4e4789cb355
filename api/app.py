"""Build the admin plane as a FastAPI application, or as a router for a host's application."""

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from breakerd.api import problems
from breakerd.api.http.admin import AdminContext, AdminDep
from breakerd.api.http.description import TITLE, description_of, id_in_host
from breakerd.api.http.lifespan import Lifespan, enter_by_handlers
from breakerd.api.http.parts import Parts
from breakerd.api.http.secured_route import public_route_class, secured_route_class
from breakerd.api.json_response import JSONResponse
from breakerd.api.routes import alerting as alerting_routes
from breakerd.api.routes import (
    config,
    dashboard,
    demo,
    fleet,
    history,
    incidents,
    process,
    reports,
    settings,
    shadow,
    state,
)
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import BASIC, BEARER, Access
from breakerd.api.settings import ApiSettings
from breakerd.breaker._version import __version__
from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

_OPENAPI: Final = "/openapi.json"


def create_app(
    registry: Registry,
    alerting: "Alerting | None" = None,
    *,
    settings: ApiSettings | None = None,
    access: Access | None = None,
    audit: AuditLog | None = None,
    parts: Parts | None = None,
    demo_endpoints: bool = False,
) -> FastAPI:
    """Return the admin plane as an application; its `state.admin` is the `AdminContext`.

    It may be served by itself, or mounted below a path of any ASGI application.

    Args:
        registry: the breakers.
        alerting: the alerting; the caller starts and closes it.
        settings: limits of the admin plane.
        access: access rules; by default those of `settings` and the environment.
        audit: log of changes; by default in memory only.
        parts: parts of the process; by default those of registry and alerting.
        demo_endpoints: add a protected endpoint, and routes that make it slow or fail.
    """
    admin = AdminContext(
        registry, alerting, settings=settings, access=access, audit=audit, parts=parts
    )
    return app_of(admin, demo_endpoints=demo_endpoints)


def app_of(admin: AdminContext, *, demo_endpoints: bool = False) -> FastAPI:
    """Return the admin plane as an application; see `create_app`."""
    app = FastAPI(
        title=TITLE,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.admin = admin
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(Exception, _handle_unexpected)
    app.include_router(_plane(admin, demo_endpoints=demo_endpoints))
    app.include_router(dashboard.front_page(public_route_class(admin)))
    return app


def admin_router(
    registry: Registry,
    alerting: "Alerting | None" = None,
    *,
    settings: ApiSettings | None = None,
    access: Access | None = None,
    audit: AuditLog | None = None,
    parts: Parts | None = None,
    lifespan: Lifespan | None = None,
    include_in_schema: bool = False,
) -> APIRouter:
    """Return the admin plane's routes, to be included in a FastAPI application below a prefix.

    They check tokens and answer errors themselves, and take nothing outside the prefix. The
    dashboard is at `/` and `/dashboard/` below it, their description at `/openapi.json`. Without a
    prefix they stand beside the application's own routes, and leave `/` to it.

    Args:
        registry: see `create_app`, also for the arguments that are not described here.
        alerting: the alerting.
        settings: limits of the admin plane.
        access: access rules.
        audit: log of changes.
        parts: parts of the process.
        lifespan: run within the application's own lifespan; not before FastAPI 0.112.2, if it has
            one, nor in an application that is mounted in another one. Other routers that include
            this one must do so before the application includes them.
        include_in_schema: describe the routes in the application's OpenAPI as well.
    """
    admin = AdminContext(
        registry, alerting, settings=settings, access=access, audit=audit, parts=parts
    )
    return router_of(admin, lifespan=lifespan, include_in_schema=include_in_schema)


def router_of(
    admin: AdminContext, *, lifespan: Lifespan | None = None, include_in_schema: bool = False
) -> APIRouter:
    """Return the admin plane's routes; see `admin_router`."""
    router = APIRouter(
        lifespan=lifespan,
        include_in_schema=include_in_schema,
        generate_unique_id_function=id_in_host,
    )
    if lifespan is not None:
        enter_by_handlers(router, lifespan)
    router.include_router(_plane(admin))
    router.include_router(dashboard.front_page(public_route_class(admin, leave_root=True)))
    return router


def _plane(admin: AdminContext, *, demo_endpoints: bool = False) -> APIRouter:
    """Return all routes but the one at `/`; the context gets their description."""
    router = _routes(admin)
    if demo_endpoints:
        router.include_router(demo.routes(_go_breaker_class(admin)), **_TOKEN_REQUIRED)
    admin.describe = description_of(router)
    return router


def _routes(admin: AdminContext) -> APIRouter:
    secured = secured_route_class(admin)
    router = APIRouter(default_response_class=JSONResponse)
    public = public_route_class(admin)
    router.include_router(process.health_routes(public))
    for part in (process, history, config, alerting_routes, incidents, reports, fleet):
        router.include_router(part.routes(secured), **_OURS)
    go_breaker = _go_breaker_class(admin)
    router.include_router(_breaker_routes(go_breaker), prefix="/breaker", **_TOKEN_REQUIRED)
    named = APIRouter(
        dependencies=[Depends(_name_parameter)], responses=problems.openapi_responses(404)
    )
    named.include_router(_breaker_routes(go_breaker))
    router.include_router(named, prefix="/breakers/{name}", **_TOKEN_REQUIRED)
    router.include_router(dashboard.files(public))
    router.include_router(_openapi_route(secured))
    return router


_TOKEN_REQUIRED: Final[Any] = {
    "dependencies": [Depends(BEARER), Depends(BASIC)],
    "responses": problems.openapi_responses(400, 401, 403, 413, 415),
}
"""OpenAPI description of routes that need a token."""
_OURS: Final[Any] = _TOKEN_REQUIRED | {
    "responses": _TOKEN_REQUIRED["responses"] | problems.openapi_responses(422)
}
"""The same for routes that are not go-breaker's, where an invalid value is a 422."""


def _go_breaker_class(admin: AdminContext) -> type[APIRoute]:
    """Return the class of go-breaker's routes, on which an invalid value is a 400."""
    return secured_route_class(admin, invalid_status=400)


def _breaker_routes(secured: type[APIRoute]) -> APIRouter:
    """Return the routes of one breaker."""
    router = APIRouter()
    for part in (state, settings, shadow):
        router.include_router(part.routes(secured))
    router.include_router(history.breaker_routes(secured))
    router.include_router(alerting_routes.breaker_routes(secured))
    return router


async def _name_parameter(
    name: Annotated[str, Path(description="The breaker.", examples=["payments"])],
) -> None:
    """Describe the path parameter for OpenAPI; `get_operation` looks the breaker up."""


def _openapi_route(secured: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=secured)
    router.get(_OPENAPI, include_in_schema=False)(get_openapi_document)
    return router


# Not a closure over the router: FastAPI keeps every endpoint that it has inspected.
def get_openapi_document(admin: AdminDep, request: Request) -> JSONResponse:
    """Return this description."""
    return JSONResponse(admin.describe(problems.path_of(request).removesuffix(_OPENAPI)))


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer 404 and the like, raised where no route was reached."""
    return problems.problem_response(problems.to_problem(error), request)


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    return problems.problem_response(problems.to_problem(error), request)
