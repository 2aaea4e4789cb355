"""Routes for the dashboard: the package's files, under a strict content security policy."""

from importlib.resources import files as resources
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from breakerd.api.problems import Problem

_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def front_page(route_class: type[APIRoute]) -> APIRouter:
    """Return the route of the dashboard at `/`."""
    router = APIRouter(route_class=route_class, include_in_schema=False)
    router.get("/")(get_front_page)
    return router


def files(route_class: type[APIRoute]) -> APIRouter:
    """Return the routes of the dashboard and its files at `/dashboard/`."""
    router = APIRouter(route_class=route_class, include_in_schema=False)
    router.get("/dashboard")(redirect_to_page)
    router.get("/dashboard/")(get_page)
    router.get("/dashboard/{file}")(get_file)
    return router


def redirect_to_page(request: Request) -> RedirectResponse:
    """Lead to the page. Relative, because a host or a proxy may have put a prefix before it."""
    asked = request.scope["query_string"].decode("latin-1")
    query = f"?{asked}" if asked else ""
    return RedirectResponse(f"dashboard/{query}", 308)


def get_front_page() -> Response:
    """Return the page as it is one level above its files."""
    return _response(".html", _read("index.html").replace(b'"./', b'"dashboard/'))


def get_page() -> Response:
    """Return the page."""
    return get_file("index.html")


def get_file(file: str) -> Response:
    """Return one of the dashboard's files."""
    return _response(file[file.rfind(".") :], _read(file))


def _read(file: str) -> bytes:
    """Return the content of one of the dashboard's files.

    Raises:
        Problem: 404 if there is none of that name.
    """
    known = file[file.rfind(".") :] in _MEDIA_TYPES and not file.startswith(".")
    # Among those that there are: a path with the name in it might be anything, or too long.
    there = resources("breakerd.api").joinpath("dashboard").iterdir() if known else ()
    for each in there:
        if each.name == file:
            return each.read_bytes()
    raise Problem(404, f"The dashboard has no file {file!r}.")


def _response(suffix: str, content: bytes) -> Response:
    return Response(content, media_type=_MEDIA_TYPES[suffix], headers=_HEADERS)
