"""The admin plane below a path of a host's application, served by a real server."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from breakerd import Registry, admin_router, create_app
from breakerd.api.http.lifespan import routers_lifespan_is_run
from breakerd.api.security.auth import Access
from breakerd.api.security.tokens import Tokens
from tests.support.example_process import running
from tests.support.hosting import hosting
from tests.support.routes import filled, routes_of

AUTHORISED = {"Authorization": "Bearer secret", "X-Host": "1"}
OWN = "the host's"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def access() -> Access:
    return Access(Tokens.load(environment={"BREAKERD_TOKEN": "secret"}))


def plane(registry: Registry, **options: Any) -> APIRouter:
    return admin_router(registry, access=access(), **options)


def host_app(**options: Any) -> FastAPI:
    """An application with a route and handlers of its own, whose answers can be told from ours."""
    app = FastAPI(**options)

    @app.get("/mine")
    def get_mine(number: int = 0) -> str:
        return f"mine {number}"

    @app.exception_handler(StarletteHTTPException)
    async def answer(_request: Request, error: StarletteHTTPException) -> Response:
        return PlainTextResponse(f"{OWN} {error.status_code}", error.status_code)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_request: Request, _error: RequestValidationError) -> Response:
        return PlainTextResponse(f"{OWN} 422", 422)

    return app


def included(registry: Registry) -> tuple[Any, str]:
    app = host_app()
    app.include_router(plane(registry), prefix="/ops")
    return app, "/ops"


def nested(registry: Registry) -> tuple[Any, str]:
    app, outer = host_app(), APIRouter(prefix="/internal")
    outer.include_router(plane(registry), prefix="/ops")
    app.include_router(outer, prefix="/v1")
    return app, "/v1/internal/ops"


def mounted(registry: Registry) -> tuple[Any, str]:
    app = host_app()
    app.mount("/ops", create_app(registry, access=access()))
    return app, "/ops"


def mounted_host(registry: Registry) -> tuple[Any, str]:
    app, inner = host_app(), host_app()
    inner.include_router(plane(registry), prefix="/ops")
    app.mount("/inner", inner)
    return app, "/inner/ops"


def in_starlette(registry: Registry) -> tuple[Any, str]:
    return Starlette(routes=[Mount("/ops", create_app(registry, access=access()))]), "/ops"


def with_everything(registry: Registry) -> tuple[Any, str]:
    """A host with a dependency, middlewares and a response class for all of its routes."""

    async def require_header(x_host: Annotated[str, Header()] = "") -> None:
        if not x_host:
            raise HTTPException(418)

    app = host_app(default_response_class=HTMLResponse, dependencies=[Depends(require_header)])
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["https://elsewhere.example"])

    @app.middleware("http")
    async def pass_on(request: Request, call_next: Callable[[Request], Any]) -> Response:
        response: Response = await call_next(request)
        return response

    app.include_router(plane(registry), prefix="/ops")
    return app, "/ops"


HOSTS = [included, nested, mounted, mounted_host, in_starlette, with_everything]


@pytest.fixture(scope="module", params=HOSTS, ids=lambda make: make.__name__)
def host(request: pytest.FixtureRequest, registry: Registry) -> Iterator[tuple[httpx.Client, str]]:
    """A client of a host, and the path of the plane in it."""
    app, prefix = request.param(registry)
    with hosting(app) as url, httpx.Client(base_url=url, headers=AUTHORISED, timeout=60) as client:
        yield client, prefix


def ask(client: httpx.Client, method: str, path: str) -> tuple[httpx.Response, str]:
    """The answer, and its body, of a stream the beginning."""
    with client.stream(method, path) as answer:
        if "event-stream" in answer.headers.get("content-type", ""):
            return answer, next(answer.iter_text())
        return answer, answer.read().decode()


def test_every_route_is_below_the_prefix_and_only_there(
    host: tuple[httpx.Client, str], registry: Registry
) -> None:
    client, prefix = host
    routes = [(method, filled(path)) for method, path in routes_of(plane(registry))]
    assert len(routes) > 85
    for method, path in routes:
        answer, body = ask(client, method, prefix + path)
        ours = answer.status_code < 400 or "problem+json" in answer.headers["content-type"]
        assert ours, (method, path, answer.status_code, body)
        assert answer.status_code != 405, (method, path)
        if answer.status_code >= 400:
            assert answer.json()["instance"] == prefix + path
        answer = client.request(method, path)
        # The host has its own description there.
        assert answer.status_code == 404 or path == "/openapi.json", path
        assert "breakerd" not in answer.text


def test_an_unknown_path_and_a_wrong_method(host: tuple[httpx.Client, str]) -> None:
    client, prefix = host
    assert client.get(f"{prefix}/nowhere").status_code == 404
    for method in ("DELETE", "OPTIONS", "PUT"):
        answer = client.request(method, f"{prefix}/breakers/default/latency")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        assert answer.headers["content-type"] == "application/problem+json"
    answer = client.get(f"{prefix}/breaker/trigger-by-latency")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["detail"].endswith(f"POST {prefix}/breaker/trigger-by-latency.")


def test_head_is_answered_as_get(host: tuple[httpx.Client, str]) -> None:
    client, prefix = host
    for path in ("/healthz", "/breakers", "/metrics", "/events", "/dashboard/", "/openapi.json"):
        head = client.head(prefix + path)
        assert (head.status_code, head.content) == (200, b""), path


def test_links_stay_below_the_prefix(host: tuple[httpx.Client, str]) -> None:
    client, prefix = host
    redirect = client.get(f"{prefix}/dashboard?breaker=a")
    assert redirect.next_request is not None
    assert redirect.next_request.url.raw_path.decode() == f"{prefix}/dashboard/?breaker=a"
    for page in (f"{prefix}/", f"{prefix}/dashboard/"):
        assets = re.findall(r'(?:href|src)="([^"]+)"', client.get(page).text)
        assert len(assets) == 3
        for asset in assets:
            url = httpx.URL(page).join(asset)
            assert client.get(url).status_code == 200, url
    document = client.get(f"{prefix}/openapi.json").json()
    assert document["servers"] == [{"url": prefix}]
    assert client.get(prefix + "/breakers/default/status").status_code == 200
    assert "/breakers/{name}/status" in document["paths"]


def test_the_hosts_own_answers_and_description_stay_as_they_are(
    host: tuple[httpx.Client, str],
) -> None:
    client, prefix = host
    if client.get("/mine").status_code == 404:
        return  # Starlette's host has neither
    assert client.get("/nowhere").text == f"{OWN} 404"
    assert client.post("/mine").text == f"{OWN} 405"
    assert client.get("/mine?number=x").text == f"{OWN} 422"
    assert client.get(prefix + "/alerts?limit=x").status_code == 422
    assert {*client.get("/openapi.json").json()["paths"]} == {"/mine"}
    assert client.get("/docs").status_code == 200


def test_a_refusal_by_a_dependency_of_the_host_is_the_hosts_own_answer(registry: Registry) -> None:
    app, prefix = with_everything(registry)
    with hosting(app) as url:
        answer = httpx.get(f"{url}{prefix}/breakers", headers={"Authorization": "Bearer secret"})
        assert (answer.status_code, answer.text) == (418, f"{OWN} 418")


def test_middlewares_of_the_host_see_our_answers(registry: Registry) -> None:
    app, prefix = with_everything(registry)
    with hosting(app) as url, httpx.Client(base_url=url + prefix, headers=AUTHORISED) as client:
        assert client.get("/breakers").headers["content-encoding"] == "gzip"
        asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
        assert client.options("/breakers", headers=asked).status_code == 200
        with client.stream("GET", "/events") as events:
            assert next(events.iter_text()).startswith(": listening")


def test_a_root_path_is_part_of_every_link(registry: Registry) -> None:
    app, prefix = included(registry)
    with hosting(app, root_path="/behind") as url, httpx.Client(headers=AUTHORISED) as client:
        if client.get(f"{url}/mine").status_code == 404:
            pytest.skip("this Starlette does not know how uvicorn gives a root path")
        # The proxy has taken /behind off.
        document = client.get(f"{url}{prefix}/openapi.json").json()
        assert document["servers"] == [{"url": "/behind/ops"}]
        wrong = client.get(f"{url}{prefix}/alerts")
        assert wrong.json()["instance"] == "/behind/ops/alerts"
        assert client.get(f"{url}{prefix}/").status_code == 200


@pytest.mark.parametrize("unique", [None, lambda route: route.name], ids=["default", "by name"])
def test_the_host_may_describe_it_at_two_prefixes(registry: Registry, unique: Any) -> None:
    app = host_app(**({"generate_unique_id_function": unique} if unique else {}))
    router = plane(registry, include_in_schema=True)
    app.include_router(router, prefix="/ops", tags=["operations"])
    app.include_router(router, prefix="/ops2")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of ids that are there twice
        document = app.openapi()
    for prefix in ("/ops", "/ops2"):
        status = document["paths"][f"{prefix}/breakers/{{name}}/status"]["get"]
        assert [*status["security"][0]] == ["breakerd_bearer"]
        assert [*status["security"][1]] == ["breakerd_basic"]
    assert "operations" in document["paths"]["/ops/healthz"]["get"]["tags"]
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    assert len({*ids}) == len(ids) > 150
    assert "breakerd_get_status_ops_breakers_name_status" in ids
    with hosting(app) as url:
        for prefix in ("/ops", "/ops2"):
            answer = httpx.get(f"{url}{prefix}/breakers", headers=AUTHORISED)
            assert answer.status_code == 200


def test_without_a_prefix_the_root_is_left_to_the_host(registry: Registry) -> None:
    app = host_app()
    app.include_router(plane(registry))
    with hosting(app) as url:
        assert httpx.get(f"{url}/").text == f"{OWN} 404"
        assert httpx.get(f"{url}/mine").status_code == 200
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/dashboard/").status_code == 200
        assert {*httpx.get(f"{url}/openapi.json").json()["paths"]} == {"/mine"}


class Log:
    """Starts and ends, in order."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def lifespan(self, name: str) -> Any:
        @asynccontextmanager
        async def run(_app: FastAPI) -> AsyncIterator[None]:
            self.entries.append(f"start {name}")
            yield
            self.entries.append(f"end {name}")

        return run


def test_its_lifespan_runs_within_the_hosts(registry: Registry) -> None:
    log = Log()
    app = FastAPI(lifespan=log.lifespan("host"))
    outer = APIRouter()
    outer.include_router(plane(registry, lifespan=log.lifespan("plane")), prefix="/ops")
    app.include_router(outer)
    with hosting(app) as url:
        assert httpx.get(f"{url}/ops/healthz").status_code == 200
        if not routers_lifespan_is_run():
            assert log.entries == ["start host"]  # the first request starts what is behind it
            return
        assert log.entries == ["start host", "start plane"]
    assert log.entries == ["start host", "start plane", "end plane", "end host"]


def test_its_lifespan_runs_beside_startup_handlers(registry: Registry) -> None:
    log = Log()
    app = FastAPI(
        on_startup=[lambda: log.entries.append("start host")],
        on_shutdown=[lambda: log.entries.append("end host")],
    )
    app.include_router(plane(registry, lifespan=log.lifespan("plane")), prefix="/ops")
    with hosting(app) as url:
        assert httpx.get(f"{url}/ops/healthz").status_code == 200
    assert {*log.entries} == {"start host", "start plane", "end plane", "end host"}


def test_an_application_that_is_mounted_has_no_lifespan(registry: Registry) -> None:
    log = Log()
    app, inner = host_app(), host_app()
    inner.include_router(plane(registry, lifespan=log.lifespan("plane")), prefix="/ops")
    app.mount("/inner", inner)
    with hosting(app) as url:
        assert httpx.get(f"{url}/inner/ops/healthz").status_code == 200
    assert log.entries == []  # the first request starts what is behind it


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "--port", "0"),
        ("gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "uvicorn_worker.UvicornWorker"),
    ],
    ids=["uvicorn", "gunicorn"],
)
def test_the_host_ends_while_somebody_follows_the_events(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    server, *options = command
    arguments = ("-m", server, "tests.support.mounted_host:app", *options)
    with running(*arguments, folder=tmp_path) as host:
        url = host.wait_for(r"(http://127\.0\.0\.1:\d+)")
        with httpx.stream("GET", f"{url}/ops/events", timeout=60) as events:
            stream = events.iter_text()
            assert next(stream).startswith(": listening")
            host.stop()  # kills it after a time
            assert "".join(stream) == ""  # it has ended, and was not cut
