"""Errors of a guard inside a view, answered by each framework under a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.example_process import Running, running
from tests.support.frameworks import views
from tests.support.polling import until

GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket")
UVICORN = ("-m", "uvicorn", "--port", "0")
HOSTS = {
    "flask, gunicorn": (*GUNICORN, "tests.support.frameworks.flask_host:app"),
    "django, gunicorn": (*GUNICORN, "tests.support.frameworks.django_host:wsgi"),
    "django, uvicorn": (*UVICORN, "--lifespan", "off", "tests.support.frameworks.django_host:asgi"),
    "fastapi, added": (*UVICORN, "tests.support.frameworks.fastapi_host:added"),
    "fastapi, wrapped": (*UVICORN, "tests.support.frameworks.fastapi_host:wrapped"),
    "fastapi, mounted": (*UVICORN, "tests.support.frameworks.fastapi_host:mounted"),
}


@pytest.fixture(scope="module", params=HOSTS)
def serving(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, httpx.Client]]:
    folder = tmp_path_factory.mktemp("host")
    with running(*HOSTS[request.param], folder=folder) as server, client(server) as web:
        yield server, web


def client(server: Running) -> httpx.Client:
    url = server.wait_for(r"(http://127\.0\.0\.1:[1-9]\d*)")
    return httpx.Client(base_url=url, timeout=60)


@pytest.fixture
def server(serving: tuple[Running, httpx.Client]) -> Running:
    return serving[0]


@pytest.fixture
def web(serving: tuple[Running, httpx.Client]) -> httpx.Client:
    return serving[1]


def counted(web: httpx.Client) -> dict[str, int]:
    found: dict[str, int] = web.get("/incoming").json()
    return found


@pytest.mark.parametrize("path", ["/pay", "/async-pay", "/wait"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_the_answer_is_the_one_that_is_documented(
    web: httpx.Client, server: Running, path: str, accept: str
) -> None:
    before, printed = counted(web), len(server.output)
    response = web.get(path, headers={"Accept": accept})
    late = path == "/wait"
    promised = views.promised(views.lateness() if late else views.rejection(), path)
    assert (response.status_code, response.content) == (504 if late else 503, promised.body)
    for name, value in promised.headers:
        assert response.headers[name] == value
    assert response.headers.get("Retry-After") == (None if late else "3")
    until(lambda: counted(web) == before | {"error": before["error"] + 1})
    assert "Traceback" not in server.output[printed:]


def test_the_answer_to_head_has_no_body(web: httpx.Client) -> None:
    response = web.head("/pay")
    assert (response.status_code, response.content) == (503, b"")
    promised = views.promised(views.rejection(), "/pay")
    assert response.headers["Content-Length"] == str(len(promised.body))
    assert response.headers["Retry-After"] == "3"
    assert web.get("/pay").status_code == 503  # on the same connection


def test_all_else_is_answered_as_ever(web: httpx.Client, server: Running) -> None:
    assert web.get("/nothing-here").status_code == 404
    printed = len(server.output)
    response = web.get("/crash")
    assert response.status_code == 500
    assert "json" not in response.headers["Content-Type"]
    until(lambda: "RuntimeError: on purpose" in server.output[printed:])


def test_a_response_that_has_begun_is_cut_off(web: httpx.Client) -> None:
    with web.stream("GET", "/stream") as response:
        assert response.status_code == 200
        chunks = response.iter_raw()
        assert next(chunks) == b"first"
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)


def test_a_rejection_by_the_breaker_around_it_is_no_call(tmp_path: Path) -> None:
    """In a process of its own, which stays open."""
    with running(*HOSTS["flask, gunicorn"], folder=tmp_path) as server, client(server) as web:
        web.post("/trip").raise_for_status()
        response = web.get("/pay")
        assert (response.status_code, response.json()["breaker"]) == (503, "incoming")
        assert counted(web) == {"success": 0, "error": 0, "rejected": 1}
