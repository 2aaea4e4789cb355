"""Answer a method that no route of the path takes, also in a host's application."""

from typing import Final

from fastapi import Request
from starlette.responses import Response
from starlette.routing import Match

from breakerd.api import problems

_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def method_not_allowed(request: Request) -> Response:
    """Return a 405 that names the methods of the path.

    The framework would name those of the path's first route only, and leave the answer to the
    exception handlers of the host's application.
    """
    method, allowed = request.method, _allowed(request)
    detail = f"{method} is not allowed here; allowed: {', '.join(allowed)}."
    if method == "GET" and allowed == ["POST"]:
        detail = f"A GET changes nothing here; POST {problems.path_of(request)}."
    problem = problems.Problem(405, detail, headers={"Allow": ", ".join(allowed)})
    return problems.problem_response(problem, request)


def _allowed(request: Request) -> list[str]:
    routes = request.app.router.routes
    return [
        method
        for method in _METHODS
        if any(
            route.matches(dict(request.scope) | {"method": method})[0] is Match.FULL
            for route in routes
        )
    ]
