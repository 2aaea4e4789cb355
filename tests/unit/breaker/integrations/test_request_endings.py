"""Each way in which a request to a server can end leaves no call in flight."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from breakerd import Breaker
from breakerd.breaker.integrations.asgi import BreakerMiddleware
from breakerd.breaker.integrations.wsgi import BreakerMiddleware as WsgiMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Counted = tuple[int, int, int]
GOOD, BAD, ABANDONED = (1, 0, 0), (0, 1, 0), (0, 0, 1)
CHUNK = b"x" * 65_536


def totals(breaker: Breaker) -> Counted:
    counters = breaker.counters()
    return counters.success, counters.error, counters.abandoned


# --- ASGI, under uvicorn


async def ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def crash(_request: Request) -> Response:
    raise KeyError("in the application")


async def stream(request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield CHUNK
                await asyncio.sleep(0)
        finally:
            request.app.state.ended.set()

    return StreamingResponse(chunks())


async def wait_for_the_client(request: Request) -> Response:
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    finally:
        request.app.state.ended.set()
    return PlainTextResponse("nobody reads this")


@asynccontextmanager
async def served(breaker: Breaker, seconds: float | None) -> AsyncIterator[tuple[Starlette, int]]:
    app = Starlette(
        routes=[
            Route("/ok", ok),
            Route("/crash", crash),
            Route("/stream", stream),
            Route("/wait", wait_for_the_client),
        ]
    )
    app.state.ended = asyncio.Event()
    app.add_middleware(BreakerMiddleware, breaker=breaker, timeout=seconds)
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield app, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def ask(port: int, path: str, *, leave: bool) -> None:
    """Send one request; read the response, or leave after its first bytes, if any come."""
    for _ in range(1000):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except OSError:  # the server does not listen yet
            await asyncio.sleep(0.01)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    if not leave:
        await reader.read()
    elif path == "/stream":
        await reader.read(1)
    writer.close()
    if leave:
        writer.transport.abort()


@pytest.mark.parametrize("seconds", [None, 60.0])
@pytest.mark.parametrize(
    ("path", "leave", "counted"),
    [
        ("/ok", False, GOOD),
        ("/crash", False, BAD),
        ("/missing", False, GOOD),
        ("/stream", True, ABANDONED),
        ("/wait", True, ABANDONED),
    ],
)
async def test_asgi(
    breaker: Breaker, path: str, leave: bool, counted: Counted, seconds: float | None
) -> None:
    async with served(breaker, seconds) as (app, port):
        await ask(port, path, leave=leave)
        if leave:
            await asyncio.wait_for(app.state.ended.wait(), 30)
    assert breaker.in_flight == 0
    assert totals(breaker) == counted


# --- WSGI, under wsgiref's server

ENDLESS = 10_000


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/crash":
        raise KeyError("in the application")
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/stream":
        return (CHUNK for _ in range(ENDLESS))
    if path == "/crash-late":
        return crashing()
    return [b"ok"]


def crashing() -> Iterator[bytes]:
    yield b"a"
    raise KeyError("in the body")


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Nothing."""

    def get_stderr(self) -> Devnull:  # type: ignore[override]
        return Devnull()


class Devnull:
    def write(self, _text: str) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


@contextmanager
def wsgi_server(breaker: Breaker) -> Iterator[tuple[int, Callable[[], None]]]:
    """Serve one request in a thread; yields its port, and what waits for its end."""
    middleware = WsgiMiddleware(application, breaker)
    with make_server("127.0.0.1", 0, middleware, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server.server_port, lambda: thread.join(30)
        thread.join(30)


@pytest.mark.parametrize(
    ("path", "method", "leave", "counted"),
    [
        ("/ok", "GET", False, GOOD),
        ("/ok", "HEAD", False, GOOD),
        ("/crash", "GET", False, BAD),
        ("/crash-late", "GET", False, BAD),
        ("/stream", "GET", True, ABANDONED),
    ],
)
def test_wsgi(breaker: Breaker, path: str, method: str, leave: bool, counted: Counted) -> None:
    with wsgi_server(breaker) as (port, wait):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
            while client.recv(1) if leave else client.recv(65_536):
                if leave:
                    break
        wait()
    assert breaker.in_flight == 0
    assert totals(breaker) == counted


def test_a_wsgi_response_that_is_dropped_is_abandoned(breaker: Breaker) -> None:
    def respond(*_arguments: object) -> Callable[[bytes], object]:
        return lambda _data: None

    body = WsgiMiddleware(application, breaker)({"PATH_INFO": "/ok"}, respond)
    assert breaker.in_flight == 1
    del body
    assert breaker.in_flight == 0
    assert totals(breaker) == ABANDONED
