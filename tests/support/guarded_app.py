"""A server whose requests are guarded, with unguarded routes for the tests.

Run as a process, it prints its URL. `/guarded` has no time-out, `/timed` one of 0.2 s. Routes below
`/inside` are not guarded; tests read and change the server's state by them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from breakerd import Breaker, Settings, current_priority, remaining
from breakerd.breaker.integrations.asgi import BreakerMiddleware

SETTINGS = Settings(minimum_calls=1000, wait_time=3600)
BREAKERS = {name: Breaker(SETTINGS, name=name) for name in ("guarded", "timed")}
ASYNC_GATE = asyncio.Event()
THREAD_GATE = threading.Event()


async def ok(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def fail(_request: Request) -> Response:
    return PlainTextResponse("no", 500)


async def crash(_request: Request) -> Response:
    raise RuntimeError("on purpose")


async def urgency(_request: Request) -> Response:
    return PlainTextResponse(current_priority().name)


async def stream(_request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await ASYNC_GATE.wait()
        yield b"last"

    return StreamingResponse(body())


async def afterwards(_request: Request) -> Response:
    async def work() -> None:
        await ASYNC_GATE.wait()
        BREAKERS["guarded"].call(lambda: None)

    return PlainTextResponse("ok", background=BackgroundTask(work))


async def hang(_request: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


def hang_in_a_thread(_request: Request) -> Response:
    left = remaining()
    assert left is None or left <= 0.2
    THREAD_GATE.wait()
    return PlainTextResponse("late")


async def counters(request: Request) -> Response:
    """Return the counters once no call is in flight, or at once with `?now`."""
    breaker = BREAKERS[request.path_params["name"]]
    while breaker.in_flight and "now" not in request.query_params:  # noqa: ASYNC110 - a breaker has no event for it
        await asyncio.sleep(0)
    found = breaker.counters()
    return JSONResponse(
        {
            "success": found.success,
            "error": found.error,
            "abandoned": found.abandoned,
            "in_flight": found.in_flight,
        }
    )


async def prepare(_request: Request) -> Response:
    ASYNC_GATE.clear()
    THREAD_GATE.clear()
    for breaker in BREAKERS.values():
        breaker.enable()
    return Response()


async def release(_request: Request) -> Response:
    ASYNC_GATE.set()
    THREAD_GATE.set()
    return Response()


async def trip(request: Request) -> Response:
    breaker = BREAKERS[request.path_params["name"]]
    breaker.trip()
    return JSONResponse({"retry_after": breaker.retry_after})


ENDPOINTS = [
    Route("/ok", ok),
    Route("/healthz", ok),
    Route("/fail", fail),
    Route("/crash", crash),
    Route("/priority", urgency),
    Route("/stream", stream),
    Route("/afterwards", afterwards),
    Route("/hang", hang),
    Route("/thread", hang_in_a_thread),
]
APP = Starlette(
    routes=[
        Mount(
            "/guarded",
            BreakerMiddleware(
                Starlette(routes=ENDPOINTS),
                BREAKERS["guarded"],
                exclude=("/guarded/healthz",),
                priority="X-Priority",
            ),
        ),
        Mount(
            "/timed", BreakerMiddleware(Starlette(routes=ENDPOINTS), BREAKERS["timed"], timeout=0.2)
        ),
        Route("/inside/counters/{name}", counters),
        Route("/inside/prepare", prepare, methods=["POST"]),
        Route("/inside/release", release, methods=["POST"]),
        Route("/inside/trip/{name}", trip, methods=["POST"]),
    ]
)

if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(APP, log_level="warning", ws="none")).run([listener])
