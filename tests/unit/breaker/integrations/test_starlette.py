from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, Rules
from breakerd.breaker.integrations.asgi import BreakerMiddleware
from breakerd.breaker.integrations.problem import ProblemResponse
from breakerd.breaker.integrations.starlette import handle_breaker_errors
from tests.unit.breaker.integrations.conftest import totals

MakeBreaker = Callable[..., Breaker]


def rejection() -> BreakerOpenError:
    return BreakerOpenError("payments", reason="latency", retry_after=2.2)


def pay(_request: Request) -> Response:
    raise rejection()


async def wait(_request: Request) -> Response:
    raise DeadlineExceeded("too late")


async def crash(_request: Request) -> Response:
    raise RuntimeError("on purpose")


async def talk(_websocket: WebSocket) -> None:
    raise rejection()


ROUTES = [
    Route("/pay", pay),
    Route("/wait", wait),
    Route("/crash", crash),
    WebSocketRoute("/talk", talk),
]


def make_app(kind: type[Starlette] = Starlette, *, debug: bool = False) -> Starlette:
    app = kind(routes=ROUTES, debug=debug)
    handle_breaker_errors(app)
    return app


async def ask(app: ASGIApp, path: str, method: str = "GET") -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as web:
        return await web.request(method, path)


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
async def test_a_rejection_is_answered(kind: type[Starlette], debug: bool) -> None:
    response = await ask(make_app(kind, debug=debug), "/pay?a=b")
    promised = ProblemResponse.of(rejection(), "/pay")
    assert (response.status_code, response.content) == (503, promised.body)
    assert dict(promised.headers).items() <= response.headers.items()
    assert response.headers["Retry-After"] == "3"


async def test_a_late_call_is_answered() -> None:
    response = await ask(make_app(), "/wait")
    assert (response.status_code, response.json()["detail"]) == (504, "too late")


async def test_the_answer_to_head_has_no_body() -> None:
    whole, head = await ask(make_app(), "/pay"), await ask(make_app(), "/pay", "HEAD")
    assert (head.status_code, head.content) == (503, b"")
    assert head.headers == whole.headers


async def test_no_body_is_left_to_the_server_to_drop() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "path": "/pay", "headers": []}
    await make_app()(scope, receive, send)
    assert [each.get("body", b"") for each in sent] == [b"", b""]


async def test_all_else_is_answered_as_ever() -> None:
    assert (await ask(make_app(), "/nothing-here")).status_code == 404
    assert (await ask(make_app(), "/crash")).status_code == 500


async def test_a_websocket_has_no_response() -> None:
    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(_message: Message) -> None:
        raise AssertionError

    scope = {"type": "websocket", "path": "/talk", "headers": []}
    with pytest.raises(BreakerOpenError):
        await make_app()(scope, receive, send)


@pytest.mark.parametrize(("inside_too", "status"), [(False, 500), (True, 503)])
async def test_a_mounted_application_needs_its_own_handlers(inside_too: bool, status: int) -> None:
    inner = make_app() if inside_too else Starlette(routes=ROUTES)
    outer = Starlette(routes=[Mount("/shop", inner)])
    handle_breaker_errors(outer)
    response = await ask(outer, "/shop/pay")
    assert response.status_code == status
    if inside_too:
        assert response.json()["instance"] == "/shop/pay"


@pytest.mark.parametrize("around", [False, True], ids=["added", "around"])
@pytest.mark.parametrize(
    ("path", "ignore", "counted"),
    [
        ("/pay", (), (0, 1, 0)),
        ("/pay", BreakerOpenError, (1, 0, 0)),
        ("/wait", BreakerOpenError, (0, 1, 0)),
        ("/crash", BreakerOpenError, (0, 1, 0)),
    ],
)
async def test_a_breaker_around_it_counts_each_once_by_its_own_rules(
    make: MakeBreaker,
    around: bool,
    path: str,
    ignore: type[Exception] | tuple[()],
    counted: tuple[int, int, int],
) -> None:
    breaker = make()
    breaker.rules = Rules(ignore=ignore)
    app = make_app()
    guarded: ASGIApp = app
    if around:
        guarded = BreakerMiddleware(app, breaker)
    else:
        app.add_middleware(BreakerMiddleware, breaker=breaker)
    await ask(guarded, path)
    assert totals(breaker) == counted
