"""Route classes that check access before the body is read, and answer errors as problems."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from breakerd.api import problems
from breakerd.api.http import request_errors
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.json_body import check_body
from breakerd.api.http.methods import method_not_allowed
from breakerd.api.security.exposure import exposure_of

_MAX_BODY: Final = 64 * 1024
"""Maximum size of a request body in bytes."""
_JSON: Final = "application/json"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class HeadRoute(APIRoute):
    """Route that answers HEAD wherever it answers GET, and other methods with a 405 of its own.

    HEAD is answered as GET, without the body. It is not among the route's methods, because it
    would be described as an operation of its own.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether the route answers the request."""
        return super().matches(self._as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        answered = self._as_get(scope)
        if answered["method"] in (self.methods or ()):
            await super().handle(answered, receive, send if answered is scope else _head_only(send))
            return
        refusal = with_headers(method_not_allowed(Request(scope)))
        await refusal(scope, receive, send)

    def _as_get(self, scope: Scope) -> Scope:
        if scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in (self.methods or ()):
            return {**scope, "method": "GET"}
        return scope


def _head_only(send: Send) -> Send:
    """Return a `send` that ends the response after its head, also one that streams without end."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return send_head


def secured_route_class(admin: AdminContext, *, invalid_status: int = 422) -> type[APIRoute]:
    """Return a route class that lets a request pass only if `admin.access` allows it.

    A route class, because FastAPI reads the body before it resolves dependencies, and because
    exception handlers and middleware do not go with a router into another application.

    Args:
        admin: context of the routes.
        invalid_status: status of the answer to an invalid value.
    """

    def refuse(problem: problems.Problem, request: Request) -> Response:
        if problem.kind == problems.INVALID:
            problem.status = invalid_status
        return problems.problem_response(problem, request)

    class SecuredRoute(HeadRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()
            exposure = exposure_of(self.name)

            async def handle_secured(request: Request) -> Response:
                try:
                    request.state.admin = admin
                    request.state.actor = await admin.access.check(request, exposure)
                    admin.parts.on_request()
                    response = await handle(await _read_body(request))
                except RequestValidationError as error:
                    response = refuse(request_errors.to_problem(self, error), request)
                except problems.EXPECTED as error:
                    response = refuse(problems.to_problem(error), request)
                return with_headers(response, admin.audit.problem)

            return handle_secured

    return SecuredRoute


def public_route_class(admin: AdminContext, *, leave_root: bool = False) -> type[APIRoute]:
    """Return a route class without access check, for health and the dashboard's files.

    Args:
        admin: context of the routes.
        leave_root: match nothing at the root of the application, which is the host's.
    """

    class PublicRoute(HeadRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            if leave_root and scope["path"].removeprefix(scope.get("root_path", "")) == "/":
                return Match.NONE, {}
            return super().matches(scope)

        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def handle_public(request: Request) -> Response:
                request.state.admin = admin
                try:
                    response = await handle(request)
                except problems.Problem as problem:
                    response = problems.problem_response(problem, request)
                return with_headers(response, admin.audit.problem)

            return handle_public

    return PublicRoute


async def _read_body(request: Request) -> Request:
    """Read and check the body, and return the request with it.

    Raises:
        Problem: 413 if the body is too large; 400 if the client disconnects before its end, or if
            it holds what nobody can show again.
    """
    if request.method in {"GET", "HEAD"}:
        return request
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                raise problems.Problem(413, f"Request body exceeds {_MAX_BODY // 1024} KiB.")
    except ClientDisconnect:
        raise problems.Problem(400, "The client disconnected before the end of the body.") from None
    check_body(bytes(body))

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(_as_json(request.scope, request) if body else request.scope, receive)


def _as_json(scope: Scope, request: Request) -> Scope:
    """Return the scope of a request whose body is JSON, whatever its content type says.

    `curl -d` declares a form. A page of another site may send a form or text without being asked
    for permission, so a browser must declare JSON.

    Raises:
        Problem: 415 if a browser declares anything else.
    """
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type == _JSON:
        return scope
    if "origin" in request.headers or any(
        name.startswith("sec-fetch-") for name in request.headers
    ):
        detail = f"A browser must send JSON as {_JSON}; found Content-Type {declared!r}."
        raise problems.Problem(415, detail)
    scope = {**scope, "headers": list(scope["headers"])}
    MutableHeaders(scope=scope)["content-type"] = _JSON
    return scope


def with_headers(response: Response, audit_problem: str | None = None) -> Response:
    """Return the response with the headers that all have."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if audit_problem:
        response.headers["Breakerd-Warning"] = "the audit file cannot be written; see the log"
    return response
