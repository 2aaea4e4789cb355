"""Every route of the application is a state, a page, health, or protected."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI

from breakerd import Registry, admin_router
from breakerd.api.app import create_app
from breakerd.api.http.admin import AdminContext
from breakerd.api.http.secured_route import secured_route_class
from breakerd.api.security.made_token import MadeToken
from tests.support.admin_client import Client
from tests.support.routes import filled, routes_of

HEALTH = {"/healthz", "/readyz"}
PAGES = {"/", "/dashboard", "/dashboard/", "/dashboard/{file}"}
DRILLS = {"/trigger-by-latency", "/trigger-by-memory", "/restore-memory-check"}
OF_BREAKER = {
    "/status",
    "/enabled",
    "/memory-usage",
    "/memory-limit",
    "/latencies-above-threshold",
    *DRILLS,  # a 405
    "/history",
    "/shadow",  # a 404, where there is no candidate
}
STATES = {
    *(prefix + path for prefix in ("/breaker", "/breakers/{name}") for path in OF_BREAKER),
    *("/breakers", "/events", "/metrics", "/openapi.json"),
    *("/test", "/test/scenarios", "/status", "/health"),
}


def answered(app: FastAPI, method: str, path: str, address: str = "127.0.0.1") -> int:
    """Status of the answer to a client without a token."""
    client = Client(app, address=address, stranger=True)
    if path.endswith("/events") and address == "127.0.0.1":
        method = "HEAD"  # the stream has no end
    return client.request(method, path).status_code


def test_every_route_is_classified(unfiled: Registry) -> None:
    app = create_app(unfiled, demo_endpoints=True)
    routes = list(routes_of(app))
    assert len(routes) > 70
    for method, path in routes:
        local = answered(app, method, filled(path))
        remote = answered(app, method, filled(path), "10.1.2.3")
        shown = method, path, local, remote
        if method != "GET":
            assert (local, remote) == (401, 401), shown
        elif path in HEALTH | PAGES:
            assert max(local, remote) < 400, shown
        elif path in STATES:
            assert local in {200, 404, 405}, shown
            assert remote == 401, shown
        else:
            assert (local, remote) == (401, 401), shown
    assert {path for _, path in routes} >= HEALTH | PAGES | STATES


def test_a_router_of_a_host_has_the_same_rules(unfiled: Registry) -> None:
    app = create_app(unfiled)
    host = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    host.include_router(admin_router(unfiled), prefix="/ops")
    routes = list(routes_of(host))
    assert len(routes) > 60
    for method, path in routes:
        own = answered(app, method, filled(path.removeprefix("/ops")))
        assert answered(host, method, filled(path)) == own, (method, path)


def test_no_answer_shows_the_token(client: Client, app: FastAPI) -> None:
    token = MadeToken().get()
    assert token is not None
    client.post("/breaker/trip", json={"reason": "a test"})
    for method, path in routes_of(app):
        if method == "GET" and not path.endswith("/events"):
            assert token.get_secret_value() not in client.get(filled(path)).text, path


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_route_is_protected(unfiled: Registry, method: str) -> None:
    app = app_with_route(unfiled, method, "a_new_one")
    assert answered(app, method, "/new") == 401
    assert Client(app).request(method, "/new").status_code == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 401)])
def test_a_change_is_no_state_whatever_its_name(
    unfiled: Registry, method: str, status: int
) -> None:
    assert answered(app_with_route(unfiled, method, "get_status"), method, "/new") == status


def app_with_route(registry: Registry, method: str, name: str) -> FastAPI:
    """An application with a secured route of that name at `/new`."""
    router = APIRouter(route_class=secured_route_class(AdminContext(registry)))
    router.api_route("/new", methods=[method], name=name)(lambda: "new")
    app = FastAPI()
    app.include_router(router)
    return app
