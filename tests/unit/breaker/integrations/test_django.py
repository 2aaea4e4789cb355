from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import django
import httpx
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from werkzeug.test import Client as WsgiClient
from werkzeug.test import EnvironBuilder

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, Rules
from breakerd.breaker.integrations import asgi, wsgi
from breakerd.breaker.integrations.problem import ProblemResponse
from tests.unit.breaker.integrations.conftest import totals

MakeBreaker = Callable[..., Breaker]
GetResponse = Callable[[HttpRequest], HttpResponse]
Get = Callable[..., Awaitable[HttpResponse]]

OURS = "breakerd.breaker.integrations.django.BreakerErrorMiddleware"


def rejection() -> BreakerOpenError:
    return BreakerOpenError("payments", reason="latency", retry_after=2.2)


def pay(_request: HttpRequest) -> HttpResponse:
    raise rejection()


async def async_pay(_request: HttpRequest) -> HttpResponse:
    raise rejection()


def wait(_request: HttpRequest) -> HttpResponse:
    raise DeadlineExceeded("too late")


def crash(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("on purpose")


def stream(_request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise rejection()

    return StreamingHttpResponse(chunks())


class Urls:
    urlpatterns = (
        path("pay", pay),
        path("async-pay", async_pay),
        path("wait", wait),
        path("crash", crash),
        path("stream", stream),
    )


class CatchAll:
    """A middleware of the project that answers every exception of a view."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, _request: HttpRequest, _error: Exception) -> HttpResponse:
        return HttpResponse("own", status=418)


class Rejected:
    """A middleware of the project whose own call is rejected."""

    def __init__(self, _get_response: GetResponse) -> None:
        pass

    def __call__(self, _request: HttpRequest) -> HttpResponse:
        raise rejection()


@pytest.fixture(params=[False, True], ids=["", "DEBUG"], autouse=True)
def _django(request: pytest.FixtureRequest) -> Iterator[None]:
    if not settings.configured:
        settings.configure(LOGGING_CONFIG=None, ALLOWED_HOSTS=["*"], SECRET_KEY="of a test")
        django.setup()
    with override_settings(DEBUG=request.param, ROOT_URLCONF=Urls, MIDDLEWARE=[OURS]):
        yield


@pytest.fixture(params=["wsgi", "asgi"])
def get(request: pytest.FixtureRequest) -> Get:
    """Make a request by Django's own test client, which raises what no middleware answers."""

    async def through(path: str, method: str = "get", **options: Any) -> HttpResponse:
        if request.param == "asgi":
            return await getattr(AsyncClient(**options), method)(path)
        ask = getattr(Client(**options), method)
        return await asyncio.to_thread(ask, path)  # there is no event loop under WSGI

    return through


@pytest.mark.parametrize("path", ["/pay", "/async-pay"])
async def test_a_rejection_is_answered(get: Get, path: str) -> None:
    response = await get(path, headers={"Accept": "text/html"})
    promised = ProblemResponse.of(rejection(), path)
    assert (response.status_code, response.content) == (503, promised.body)
    for name, value in promised.headers:
        assert response.headers[name] == value
    assert response.headers["Retry-After"] == "3"


async def test_a_late_call_is_answered(get: Get) -> None:
    response = await get("/wait")
    assert (response.status_code, response.json()["detail"]) == (504, "too late")
    assert "Retry-After" not in response.headers


async def test_the_answer_to_head_has_no_body(get: Get) -> None:
    whole, head = await get("/pay"), await get("/pay", "head")
    assert (head.status_code, head.content) == (503, b"")
    assert head.headers == whole.headers


def test_no_body_is_left_to_the_server_to_drop() -> None:
    environ = EnvironBuilder("/pay", method="HEAD").get_environ()
    assert b"".join(WSGIHandler()(environ, lambda *_arguments: lambda _data: None)) == b""


async def test_all_else_is_answered_as_ever(get: Get) -> None:
    assert (await get("/nothing-here")).status_code == 404
    assert (await get("/crash", raise_request_exception=False)).status_code == 500
    with pytest.raises(RuntimeError, match="on purpose"):
        await get("/crash")


async def test_it_is_logged_as_a_warning_without_a_traceback(
    get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    """An error would be mailed to the administrators."""
    await get("/pay")
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert record.getMessage() == (
        "Service Unavailable: /pay: breaker 'payments' is open (latency): retry in 3 s"
    )


def test_the_mounted_path_is_told() -> None:
    response = WsgiClient(WSGIHandler()).get("/pay", environ_overrides={"SCRIPT_NAME": "/shop"})
    assert response.get_json()["instance"] == "/shop/pay"


def test_a_response_that_has_begun_is_cut_off() -> None:
    chunks = iter(WsgiClient(WSGIHandler()).get("/stream", buffered=False).response)
    assert next(chunks) == b"first"
    with pytest.raises(BreakerOpenError):
        next(chunks)


async def test_it_is_asked_first_where_it_stands_last(get: Get) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.CatchAll", OURS]):
        assert (await get("/pay")).status_code == 503
        assert (await get("/crash")).status_code == 418
    with override_settings(MIDDLEWARE=[OURS, f"{__name__}.CatchAll"]):
        assert (await get("/pay")).status_code == 418


async def test_a_middleware_that_raises_is_answered_by_django(get: Get) -> None:
    with override_settings(MIDDLEWARE=[OURS, f"{__name__}.Rejected"]):
        assert (await get("/pay", raise_request_exception=False)).status_code == 500


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize(
    ("path", "ignore", "expected"),
    [
        ("/pay", (), (503, (0, 1, 0))),
        ("/pay", BreakerOpenError, (503, (1, 0, 0))),
        ("/wait", BreakerOpenError, (504, (0, 1, 0))),
        ("/crash", BreakerOpenError, (500, (0, 1, 0))),
    ],
)
async def test_a_breaker_around_it_counts_each_once_by_its_own_rules(
    make: MakeBreaker,
    interface: str,
    path: str,
    ignore: type[Exception] | tuple[()],
    expected: tuple[int, tuple[int, int, int]],
) -> None:
    breaker = make()
    breaker.rules = Rules(ignore=ignore)
    if interface == "wsgi":
        client = WsgiClient(wsgi.BreakerMiddleware(WSGIHandler(), breaker))
        with await asyncio.to_thread(client.get, path) as response:
            status = response.status_code
    else:
        transport = httpx.ASGITransport(asgi.BreakerMiddleware(ASGIHandler(), breaker))
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as web:
            status = (await web.get(path)).status_code
    assert (status, totals(breaker)) == expected
