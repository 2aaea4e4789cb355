from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, EnvironBuilder

from breakerd import Breaker, BreakerOpenError, DeadlineExceeded, Rules
from breakerd.breaker.integrations.flask import handle_breaker_errors
from breakerd.breaker.integrations.problem import ProblemResponse
from breakerd.breaker.integrations.wsgi import BreakerMiddleware
from tests.unit.breaker.integrations.conftest import totals

MakeBreaker = Callable[..., Breaker]


def rejection() -> BreakerOpenError:
    return BreakerOpenError("payments", reason="latency", retry_after=2.2)


def make_app(*, handlers: bool = True) -> Flask:
    app = Flask(__name__)
    if handlers:
        handle_breaker_errors(app)

    @app.get("/pay")
    def pay() -> Response:
        raise rejection()

    @app.get("/wait")
    def wait() -> Response:
        raise DeadlineExceeded("too late")

    @app.get("/crash")
    def crash() -> Response:
        raise RuntimeError("on purpose")

    return app


@pytest.fixture
def app() -> Flask:
    return make_app()


@pytest.fixture
def web(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("mode", ["", "DEBUG", "TESTING", "PROPAGATE_EXCEPTIONS"])
def test_a_rejection_is_answered_in_each_mode(app: Flask, mode: str) -> None:
    if mode:
        app.config[mode] = True
    response = app.test_client().get("/pay?a=b", headers={"Accept": "text/html"})
    promised = ProblemResponse.of(rejection(), "/pay")
    assert (response.status_code, response.data) == (503, promised.body)
    assert dict(promised.headers).items() <= {k.lower(): v for k, v in response.headers}.items()
    assert response.headers["Retry-After"] == "3"


def test_a_late_call_is_answered(web: FlaskClient) -> None:
    response = web.get("/wait")
    assert (response.status_code, response.get_json()["detail"]) == (504, "too late")
    assert "Retry-After" not in response.headers


def test_the_answer_to_head_has_no_body(web: FlaskClient) -> None:
    whole, head = web.get("/pay"), web.head("/pay")
    assert (head.status_code, head.data) == (503, b"")
    assert head.headers == whole.headers
    assert head.content_length == len(whole.data)


def test_all_else_is_answered_as_ever(web: FlaskClient) -> None:
    assert web.get("/nothing-here").status_code == 404
    assert web.get("/crash").status_code == 500


def test_an_async_view(app: Flask, web: FlaskClient) -> None:
    @app.get("/async")
    async def async_pay() -> Response:
        raise rejection()

    assert web.get("/async").status_code == 503


@pytest.mark.parametrize("when", ["before_request", "after_request"])
def test_functions_around_a_view(when: str) -> None:
    """Flask asks no handler about what it raises after the view."""
    app = make_app()

    def reject(*_arguments: object) -> Any:
        raise rejection()

    getattr(app, when)(reject)
    status = 503 if when == "before_request" else 500
    assert app.test_client().get("/nothing-here").status_code == status


def test_functions_after_a_request_see_the_response(app: Flask, web: FlaskClient) -> None:
    @app.after_request
    def allow(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    assert web.get("/pay").headers["Access-Control-Allow-Origin"] == "*"


def own(_error: Exception) -> tuple[str, int]:
    return "own", 418


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_applications_handler_of_all_exceptions_comes_second(when: str) -> None:
    app = make_app(handlers=False)
    if when == "before":
        app.register_error_handler(Exception, own)
    handle_breaker_errors(app)
    if when == "after":
        app.register_error_handler(Exception, own)
    web = app.test_client()
    assert web.get("/pay").status_code == 503
    assert web.get("/wait").status_code == 504
    assert web.get("/crash").status_code == 418


def test_of_two_handlers_the_later_one_is_asked(app: Flask, web: FlaskClient) -> None:
    app.register_error_handler(BreakerOpenError, own)
    assert web.get("/pay").status_code == 418
    assert web.get("/wait").status_code == 504


@pytest.mark.parametrize(("own_too", "status"), [(False, 418), (True, 503)])
def test_a_blueprints_handler_of_all_exceptions_comes_first(own_too: bool, status: int) -> None:
    blueprint = Blueprint("shop", __name__)
    blueprint.register_error_handler(Exception, own)
    if own_too:
        handle_breaker_errors(blueprint)

    @blueprint.get("/pay")
    def pay() -> Response:
        raise rejection()

    app = make_app()
    app.register_blueprint(blueprint, url_prefix="/shop")
    web = app.test_client()
    assert web.get("/shop/pay").status_code == status
    assert web.get("/pay").status_code == 503


def test_a_mounted_application(app: Flask) -> None:
    outer = make_app(handlers=False)
    web = Client(DispatcherMiddleware(outer, {"/shop": app}))
    response = web.get("/shop/pay")
    assert (response.status_code, response.get_json()["instance"]) == (503, "/shop/pay")
    assert web.get("/pay").status_code == 500


def test_a_response_that_has_begun_is_cut_off(app: Flask) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def chunks() -> Iterator[bytes]:
            yield b"first"
            raise rejection()

        return Response(chunks())

    chunks = iter(Client(app).get("/stream", buffered=False).response)
    assert next(chunks) == b"first"
    with pytest.raises(BreakerOpenError):
        next(chunks)


@pytest.mark.parametrize(
    ("path", "ignore", "counted"),
    [
        ("/pay", (), (0, 1, 0)),
        ("/pay", BreakerOpenError, (1, 0, 0)),
        ("/wait", BreakerOpenError, (0, 1, 0)),
        ("/crash", BreakerOpenError, (0, 1, 0)),
    ],
)
def test_a_breaker_around_it_counts_each_once_by_its_own_rules(
    make: MakeBreaker,
    app: Flask,
    path: str,
    ignore: type[Exception] | tuple[()],
    counted: tuple[int, int, int],
) -> None:
    breaker = make()
    breaker.rules = Rules(ignore=ignore)
    Client(BreakerMiddleware(app, breaker)).get(path).close()
    assert totals(breaker) == counted


def test_a_breaker_around_it_rejects_by_itself(make: MakeBreaker, app: Flask) -> None:
    breaker = make()
    breaker.force_open()
    response = Client(BreakerMiddleware(app, breaker)).get("/pay")
    assert (response.status_code, response.get_json()["breaker"]) == (503, "default")
    assert totals(breaker) == (0, 0, 0)


class Environ(dict[str, Any]):
    """One that can be watched."""


def test_a_request_is_freed_without_the_garbage_collector(app: Flask) -> None:
    environ = Environ(EnvironBuilder("/pay").get_environ())
    watched = weakref.ref(environ)
    gc.disable()
    try:
        b"".join(app(environ, lambda *_arguments: lambda _data: None))
        del environ
        assert watched() is None
    finally:
        gc.enable()
