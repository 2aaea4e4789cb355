"""FastAPI applications for an ASGI server, `uvicorn tests.support.frameworks.fastapi_host:app`.

`added` has the middleware added, as documented, and no handlers; `wrapped` has handlers and the
middleware around it; `mounted` has the second inside an application with the middleware.
"""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse

from breakerd.breaker.integrations.asgi import BreakerMiddleware
from breakerd.breaker.integrations.starlette import handle_breaker_errors
from tests.support.frameworks import views


def make() -> FastAPI:
    app = FastAPI()

    @app.api_route("/pay", methods=["GET", "HEAD"])
    def pay() -> Response:
        return Response(views.pay())

    @app.get("/async-pay")
    async def async_pay() -> Response:
        return Response(views.pay())

    @app.get("/wait")
    async def wait() -> Response:
        return Response(views.wait())

    @app.get("/crash")
    async def crash() -> Response:
        return Response(views.crash())

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(views.async_stream())

    @app.get("/incoming")
    async def incoming() -> dict[str, int]:
        return views.incoming()

    @app.post("/trip")
    async def trip() -> None:
        views.INCOMING.trip()

    return app


added = make()
added.add_middleware(BreakerMiddleware, breaker=views.INCOMING, exclude=views.UNGUARDED)

_app = make()
handle_breaker_errors(_app)
wrapped = BreakerMiddleware(_app, views.INCOMING, exclude=views.UNGUARDED)

mounted = FastAPI()
mounted.add_middleware(BreakerMiddleware, breaker=views.INCOMING, exclude=views.UNGUARDED)
mounted.mount("/", _app)
