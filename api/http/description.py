"""OpenAPI description of the admin plane, for wherever it is mounted."""

import re
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from breakerd.api import problems
from breakerd.breaker._version import __version__

TITLE: Final = "breakerd"
_TEXT: Final = (
    "The breakers of one process. `/breaker/…` is the breaker named `default`, "
    "`/breakers/{name}/…` any other. Errors are RFC 9457 problem documents. A GET changes nothing."
)


def description_of(router: APIRouter) -> Callable[[str], dict[str, Any]]:
    """Return a function that describes the routes of `router` as they are below a path.

    The description is made by the first call. To be called from any thread.
    """
    made: list[dict[str, Any]] = []

    def describe(prefix: str) -> dict[str, Any]:
        if not made:
            made.append(_describe(router))
        return made[0] | ({"servers": [{"url": prefix}]} if prefix else {})

    return describe


def id_in_host(route: APIRoute) -> str:
    """Return an operation id that no route of a host has, nor the same route at another path."""
    return re.sub(r"\W+", "_", f"breakerd_{route.name}{route.path_format}").rstrip("_")


def _describe(router: APIRouter) -> dict[str, Any]:
    named = APIRouter(generate_unique_id_function=_own_id)
    named.include_router(router)
    document = get_openapi(title=TITLE, version=__version__, description=_TEXT, routes=named.routes)
    return problems.share_schema(document)


def _own_id(route: APIRoute) -> str:
    """Return the operation id; a breaker's routes are there twice."""
    if route.path_format.startswith("/breaker/"):
        return f"default_{route.name}"
    if route.path_format.startswith("/breakers/{name}/"):
        return f"named_{route.name}"
    return route.name
