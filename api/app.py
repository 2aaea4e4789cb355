"""Build the admin plane as a FastAPI application, or as a router for a host's application."""

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from breakerd.api import problems
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.secured_route import public_route_class, secured_route_class
from breakerd.api.json_response import JSONResponse
from breakerd.api.routes import alerting as alerting_routes
from breakerd.api.routes import dashboard, demo, incidents, process, settings, state
from breakerd.api.security.audit import AuditLog
from breakerd.api.security.auth import BASIC, BEARER, Access
from breakerd.api.settings import ApiSettings
from breakerd.breaker._version import __version__
from breakerd.breaker.registry import Registry

if TYPE_CHECKING:
    from breakerd.alerts.alerting import Alerting

_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_DESCRIPTION: Final = (
    "The breakers of one process. `/breaker/…` is the breaker named `default`, "
    "`/breakers/{name}/…` any other. Errors are RFC 9457 problem documents. A GET changes nothing."
)


def create_app(
    registry: Registry,
    alerting: "Alerting | None" = None,
    *,
    settings: ApiSettings | None = None,
    access: Access | None = None,
    audit: AuditLog | None = None,
    demo_endpoints: bool = False,
) -> FastAPI:
    """Return the admin plane as an application; its `state.admin` is the `AdminContext`.

    Args:
        registry: the breakers.
        alerting: the alerting; the caller starts and closes it.
        settings: limits of the admin plane.
        access: access rules; by default those of `settings` and the environment.
        audit: log of changes; by default in memory only.
        demo_endpoints: add a protected endpoint, and routes that make it slow or fail.
    """
    admin = AdminContext(registry, alerting, settings=settings, access=access, audit=audit)
    secured = secured_route_class(admin)
    app = FastAPI(
        title="breakerd",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.admin = admin
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(Exception, _handle_unexpected)
    app.include_router(_routes(admin))
    app.include_router(dashboard.front_page(secured))
    if demo_endpoints:
        demo_router = APIRouter(generate_unique_id_function=lambda route: route.name)
        demo_router.include_router(demo.routes(_go_breaker_class(admin)), **_TOKEN_REQUIRED)
        app.include_router(demo_router)
    app.include_router(_openapi_route(secured))
    return app


def admin_router(
    registry: Registry,
    alerting: "Alerting | None" = None,
    *,
    settings: ApiSettings | None = None,
    access: Access | None = None,
    audit: AuditLog | None = None,
) -> APIRouter:
    """Return the admin plane's routes, to be included in any FastAPI application.

    They check tokens and answer errors themselves. The dashboard is at `/dashboard/` below the
    router's prefix. For the arguments see `create_app`.
    """
    return _routes(AdminContext(registry, alerting, settings=settings, access=access, audit=audit))


def _routes(admin: AdminContext) -> APIRouter:
    secured = secured_route_class(admin)
    router = APIRouter(
        generate_unique_id_function=lambda route: route.name,
        default_response_class=JSONResponse,
    )
    router.include_router(process.health_routes(public_route_class(admin)))
    for part in (process, alerting_routes, incidents):
        router.include_router(part.routes(secured), **_OURS)
    go_breaker = _go_breaker_class(admin)
    router.include_router(
        _breaker_routes(go_breaker, "default"), prefix="/breaker", **_TOKEN_REQUIRED
    )
    named = APIRouter(
        dependencies=[Depends(_name_parameter)], responses=problems.openapi_responses(404)
    )
    named.include_router(_breaker_routes(go_breaker, "named"))
    router.include_router(named, prefix="/breakers/{name}", **_TOKEN_REQUIRED)
    router.include_router(dashboard.files(secured))
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


def _breaker_routes(secured: type[APIRoute], which: str) -> APIRouter:
    """Return the routes of one breaker; they are mounted twice, with different operation ids."""
    router = APIRouter(generate_unique_id_function=lambda route: f"{which}_{route.name}")
    for part in (state, settings):
        router.include_router(part.routes(secured))
    router.include_router(alerting_routes.breaker_routes(secured))
    return router


async def _name_parameter(
    name: Annotated[str, Path(description="The breaker.", examples=["payments"])],
) -> None:
    """Describe the path parameter for OpenAPI; `get_operation` looks the breaker up."""


def _openapi_route(secured: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=secured)
    router.get("/openapi.json", include_in_schema=False)(get_openapi_document)
    return router


# Not a closure over the application: FastAPI keeps every endpoint that it has inspected.
def get_openapi_document(request: Request) -> JSONResponse:
    """Return this description."""
    return JSONResponse(problems.share_schema(request.app.openapi()))


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer 404, 405 and the like, raised where no route was reached."""
    problem = problems.to_problem(error)
    if problem.status == 405:
        problem.headers["Allow"] = ", ".join(_allowed_methods(request))
    return problems.problem_response(problem, request)


async def _handle_unexpected(request: Request, error: Exception) -> Response:
    return problems.problem_response(problems.to_problem(error), request)


def _allowed_methods(request: Request) -> list[str]:
    """Return all methods of the path; the framework lists only those of its first route."""
    routes = request.app.router.routes
    taken = [
        method
        for method in _METHODS
        if any(
            route.matches(dict(request.scope) | {"method": method})[0] is Match.FULL
            for route in routes
        )
    ]
    # A drill has a route for GET that refuses it.
    return ["POST"] if request.url.path.endswith(state.DRILLS) else taken
