"""The admin plane as a FastAPI application, and as a router for somebody else's."""

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api import problems
from api.admin import Admin
from api.auth import BASIC, BEARER
from api.routes import alerting as alerting_routes
from api.routes import dashboard, demo, process, settings, state
from api.routing import guarded, public
from breaker import Registry, __version__

if TYPE_CHECKING:
    from alerts import Alerting

_LARGEST_BODY: Final = 64 * 1024
_METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
_DESCRIPTION: Final = (
    "The breakers of one process. `/breaker/…` is the one called `default`, "
    "`/breakers/{name}/…` any other. Errors are RFC 9457 problem documents. A GET changes nothing."
)


def create_app(
    registry: Registry,
    alerting: "Alerting | None" = None,
    *,
    admin: Admin | None = None,
    demo_endpoints: bool = False,
) -> FastAPI:
    """The admin plane as an application of its own.

    Args:
        registry: the breakers.
        alerting: who is told. It is not started here.
        admin: instead of one made of the two, to set who may do what, and where that is kept.
        demo_endpoints: adds a protected endpoint, and the ways to make it slow or fail.
    """
    admin = admin or Admin(registry, alerting)
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
    app.add_exception_handler(HTTPException, _answer_framework_error)
    app.add_exception_handler(Exception, _answer_fault)
    app.include_router(admin_router(registry, alerting, admin=admin))
    guard = guarded(admin)
    app.include_router(dashboard.front_page(guard))
    if demo_endpoints:
        app.include_router(demo.routes(guard), dependencies=_SECURITY)
    app.include_router(_description(app, guard))
    return app


def admin_router(
    registry: Registry, alerting: "Alerting | None" = None, *, admin: Admin | None = None
) -> APIRouter:
    """The admin plane's routes, to be included in any FastAPI application.

    They check tokens and answer errors themselves. The dashboard is at `/dashboard/` there.
    For the arguments see `create_app`.
    """
    admin = admin or Admin(registry, alerting)
    guard = guarded(admin)
    router = APIRouter(max_body_size=_LARGEST_BODY)
    router.include_router(process.health_routes(public(admin)))
    locked = problems.documented(400, 401, 403, 413, 422)
    for part in (process.routes(guard), alerting_routes.routes(guard)):
        router.include_router(part, dependencies=_SECURITY, responses=locked)
    router.include_router(
        _breaker_routes(guard, "default"),
        prefix="/breaker",
        dependencies=_SECURITY,
        responses=locked,
    )
    router.include_router(
        _breaker_routes(guard, "named"),
        prefix="/breakers/{name}",
        dependencies=[*_SECURITY, Depends(_named)],
        responses=locked | problems.documented(404),
    )
    router.include_router(dashboard.files(guard))
    return router


_SECURITY: Final = [Depends(BEARER), Depends(BASIC)]


def _breaker_routes(guard: type[APIRoute], which: str) -> APIRouter:
    """The one definition of a breaker's routes, mounted twice."""
    router = APIRouter(generate_unique_id_function=lambda route: f"{which}_{route.name}")
    for part in (state, settings):
        router.include_router(part.routes(guard))
    router.include_router(alerting_routes.breaker_routes(guard))
    return router


async def _named(
    name: Annotated[str, Path(description="The breaker.", examples=["payments"])],
) -> None:
    """Tells OpenAPI of the parameter; the operation finds the breaker."""


def _description(app: FastAPI, guard: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=guard)

    def get_openapi_document() -> JSONResponse:
        """This description."""
        return JSONResponse(app.openapi())

    router.get("/openapi.json", include_in_schema=False)(get_openapi_document)
    return router


async def _answer_framework_error(request: Request, error: Exception) -> Response:
    """404, 405 and the like, where no route of ours was reached."""
    problem = problems.as_problem(error)
    if problem.status == 405:
        problem.headers["Allow"] = ", ".join(_allowed_methods(request))
    return problems.response(problem, request)


async def _answer_fault(request: Request, error: Exception) -> Response:
    return problems.response(problems.as_problem(error), request)


def _allowed_methods(request: Request) -> list[str]:
    """All of them: the framework names only those of the first route on that path."""
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(
            route.matches(dict(request.scope) | {"method": method})[0] is Match.FULL
            for route in routes
        )
    ]
