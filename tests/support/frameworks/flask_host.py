"""A Flask application for a WSGI server: `gunicorn tests.support.frameworks.flask_host:app`."""

from __future__ import annotations

from flask import Flask, Response

from breakerd.breaker.integrations.flask import handle_breaker_errors
from breakerd.breaker.integrations.wsgi import BreakerMiddleware
from tests.support.frameworks import views

app = Flask(__name__)
handle_breaker_errors(app)
app.wsgi_app = BreakerMiddleware(  # type: ignore[method-assign] # as Flask documents it
    app.wsgi_app, views.INCOMING, exclude=views.UNGUARDED
)


@app.get("/pay")
def pay() -> Response:
    return Response(views.pay())


@app.get("/async-pay")
async def async_pay() -> Response:
    return Response(views.pay())


@app.get("/wait")
def wait() -> Response:
    return Response(views.wait())


@app.get("/crash")
def crash() -> Response:
    return Response(views.crash())


@app.get("/stream")
def stream() -> Response:
    return Response(views.stream())


@app.get("/incoming")
def incoming() -> dict[str, int]:
    return views.incoming()


@app.post("/trip")
def trip() -> dict[str, int]:
    views.INCOMING.trip()
    return {}
