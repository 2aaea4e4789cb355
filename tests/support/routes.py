"""All routes of an application, those of included routers and those left out of OpenAPI too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute


def routes_of(router: FastAPI | APIRouter, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of each route."""
    for route in router.routes:
        included: Any = route
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, prefix + route.path
        elif hasattr(included, "original_router"):  # newer versions of FastAPI keep the tree
            inner = prefix + included.include_context.prefix
            yield from routes_of(included.original_router, inner)


def filled(path: str) -> str:
    """Return a path of a route with names in the place of its parameters."""
    return path.replace("{name}", "default").replace("{file}", "app.js").replace("{id}", "1")
