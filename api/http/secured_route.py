"""The routes' own class: checks who asks before anything else, and answers errors as problems."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from breakerd.api import problems
from breakerd.api.http.admin import AdminContext

_MAX_BODY: Final = 64 * 1024

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def secured_route_class(admin: AdminContext) -> type[APIRoute]:
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
                    response = await handle(await _limit_body(request))
                except problems.EXPECTED as error:
                    response = problems.problem_response(problems.to_problem(error), request)
                return _with_headers(response, admin)

            return checked

    return GuardedRoute


def public_route_class(admin: AdminContext) -> type[APIRoute]:
    """A route class for what anyone may ask: whether the process lives and is ready."""

    class PublicRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def introduced(request: Request) -> Response:
                request.state.admin = admin
                return _with_headers(await handle(request), admin)

            return introduced

    return PublicRoute


async def _limit_body(request: Request) -> Request:
    """The request with its body read, if it is not too large."""
    if request.method in {"GET", "HEAD"}:
        return request
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                raise problems.Problem(413, f"A body may have {_MAX_BODY} bytes.")
    except ClientDisconnect:
        raise problems.Problem(400, "The body ended before its end.") from None

    async def again() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, again)


def _with_headers(response: Response, admin: AdminContext) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if admin.audit.problem:
        response.headers["Breakerd-Warning"] = "the audit file cannot be written; see the log"
    return response
