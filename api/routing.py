"""The routes' own class: checks who asks before anything else, and answers errors as problems."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from api import problems
from api.admin import Admin

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(admin: Admin) -> type[APIRoute]:
    """A route class for `admin`: only those pass who may.

    It is a class, and no dependency, because FastAPI reads the body before it asks dependencies;
    and no exception handler or middleware, so that it goes with a router into any application.
    """

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                try:
                    request.state.admin = admin
                    request.state.actor = admin.access.check(request)
                    response = await handle(request)
                except problems.EXPECTED as error:
                    response = problems.response(problems.as_problem(error), request)
                return _with_headers(response, admin)

            return checked

    return GuardedRoute


def public(admin: Admin) -> type[APIRoute]:
    """A route class for what anyone may ask: whether the process lives and is ready."""

    class PublicRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def introduced(request: Request) -> Response:
                request.state.admin = admin
                return await handle(request)

            return introduced

    return PublicRoute


def _with_headers(response: Response, admin: Admin) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if admin.audit.problem:
        response.headers["Breakerd-Warning"] = "the audit file cannot be written; see the log"
    return response
