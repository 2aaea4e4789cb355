from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    Priority,
    Rules,
    check_deadline,
    current_priority,
    remaining,
)
from breakerd.breaker.integrations._handled_error import set_handled_error
from breakerd.breaker.integrations.wsgi import BreakerMiddleware
from breakerd.breaker.testing import ManualClock
from tests.unit.breaker.integrations.conftest import abandoned, totals

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MakeBreaker = Callable[..., Breaker]

PLAIN = [("Content-Type", "text/plain")]


class Server:
    """What a WSGI server does with one request; wsgiref's validator watches both sides."""

    def __init__(self, middleware: BreakerMiddleware, path: str = "/", **environ: str) -> None:
        self.environ: WSGIEnvironment = {
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            **environ,
        }
        setup_testing_defaults(self.environ)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = validator(middleware)(self.environ, self._start)

    def _start(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: OptExcInfo | None = None,
        /,
    ) -> Callable[[bytes], object]:
        del exc_info
        self.status, self.headers = int(status[:3]), dict(headers)
        return lambda _data: None

    def read(self) -> bytes:
        body = b"".join(self.body)
        self.close()
        return body

    def close(self) -> None:
        self.body.close()  # type: ignore[attr-defined]  # the validator's has one


def answer(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", PLAIN)
    return [b"ok"]


def test_a_good_answer(make: MakeBreaker) -> None:
    breaker = make()
    server = Server(BreakerMiddleware(answer, breaker))
    assert breaker.in_flight == 1
    assert server.read() == b"ok"
    assert totals(breaker) == (1, 0, 0)


def test_a_rejection_tells_the_breakers_own_figure(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make(wait_time=10)
    breaker.trip()
    clock.advance(2.5)
    server = Server(BreakerMiddleware(answer, breaker), "/\xc3\xbc")
    document = json.loads(server.read())
    assert server.status == 503
    assert server.headers["retry-after"] == "8"
    assert server.headers["content-type"] == "application/problem+json"
    assert document["instance"] == "/%C3%BC"


def test_excluded_paths_are_not_guarded(make: MakeBreaker) -> None:
    breaker = make()
    breaker.force_open()
    middleware = BreakerMiddleware(answer, breaker, exclude=("/app/static/*",))
    server = Server(middleware, "/static/a.css", SCRIPT_NAME="/app")
    assert server.read() == b"ok"


def by_path(environ: WSGIEnvironment) -> Priority | None:
    return Priority.CRITICAL_PLUS if environ["PATH_INFO"] == "/pay" else None


@pytest.mark.parametrize(
    ("priority", "path", "found"),
    [
        (None, "/", Priority.CRITICAL),
        ("X-Priority", "/", Priority.SHEDDABLE),
        ("X-Other", "/", Priority.CRITICAL),
        (by_path, "/pay", Priority.CRITICAL_PLUS),
        (by_path, "/", Priority.CRITICAL),
    ],
)
def test_priority(
    make: MakeBreaker,
    priority: str | Callable[[WSGIEnvironment], Priority | None] | None,
    path: str,
    found: Priority,
) -> None:
    seen = []

    def look(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(current_priority())
        return answer(environ, start_response)

    Server(
        BreakerMiddleware(look, make(), priority=priority), path, HTTP_X_PRIORITY="sheddable"
    ).read()
    assert seen == [found]
    assert current_priority() is Priority.CRITICAL


@pytest.mark.parametrize(
    ("status", "counted"), [("404 Not Found", (1, 0, 0)), ("502 Bad Gateway", (0, 1, 0))]
)
def test_status(make: MakeBreaker, status: str, counted: tuple[int, int, int]) -> None:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, PLAIN)
        return [b""]

    breaker = make()
    Server(BreakerMiddleware(app, breaker)).read()
    assert totals(breaker) == counted


def test_an_application_may_begin_its_answer_anew(make: MakeBreaker) -> None:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", PLAIN)
        try:
            int("x")
        except ValueError:
            start_response("500 Internal Server Error", PLAIN, sys.exc_info())
        return [b""]

    breaker = make()
    server = Server(BreakerMiddleware(app, breaker))
    server.read()
    assert server.status == 500
    assert totals(breaker) == (0, 1, 0)


def streaming(clock: ManualClock, closed: list[bool], *, crash: bool = False) -> WSGIApplication:
    def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", PLAIN)
        try:
            for chunk in (b"a", b"b"):
                clock.advance(1)
                yield chunk
            if crash:
                raise KeyError
        finally:
            closed.append(True)

    return app


def test_a_stream_ends_with_its_last_byte(make: MakeBreaker, clock: ManualClock) -> None:
    breaker, closed = make(), list[bool]()
    server = Server(BreakerMiddleware(streaming(clock, closed), breaker, timeout=5))
    chunks = iter(server.body)
    assert next(chunks) == b"a"
    assert remaining() == 4
    assert totals(breaker) == (0, 0, 1)
    assert list(chunks) == [b"b"]
    assert totals(breaker) == (1, 0, 0)
    assert remaining() is None
    server.close()
    assert totals(breaker) == (1, 0, 0)
    assert breaker.counters().duration_sum == 2


def test_an_exception_in_a_stream_counts(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    server = Server(BreakerMiddleware(streaming(clock, [], crash=True), breaker))
    with pytest.raises(KeyError):
        server.read()
    server.close()
    assert totals(breaker) == (0, 1, 0)


def test_a_stream_that_nobody_reads_on_is_closed_and_no_error(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker, closed = make(), list[bool]()
    server = Server(BreakerMiddleware(streaming(clock, closed), breaker))
    assert next(iter(server.body)) == b"a"
    assert not closed
    server.close()
    assert closed == [True]
    assert abandoned(breaker) == 1


def test_an_exception_comes_through_and_counts(make: MakeBreaker) -> None:
    def app(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        raise KeyError("x")

    breaker = make()
    with pytest.raises(KeyError):
        BreakerMiddleware(app, breaker, timeout=1)({}, lambda *_arguments: lambda _data: None)
    assert totals(breaker) == (0, 1, 0)
    assert remaining() is None


def test_a_late_answer_is_sent_and_counts(make: MakeBreaker, clock: ManualClock) -> None:
    breaker = make()
    server = Server(BreakerMiddleware(streaming(clock, []), breaker, timeout=1.5))
    assert server.read() == b"ab"
    assert server.status == 200
    assert totals(breaker) == (0, 1, 0)


def test_past_the_deadline_the_application_may_give_up(
    make: MakeBreaker, clock: ManualClock
) -> None:
    def app(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
        clock.advance(2)
        check_deadline()
        raise AssertionError

    breaker = make()
    server = Server(BreakerMiddleware(app, breaker, timeout=1))
    assert json.loads(server.read())["type"] == "urn:breakerd:problem:timed-out"
    assert server.status == 504
    assert totals(breaker) == (0, 1, 0)


def test_a_rejection_inside_is_answered_unless_the_answer_has_begun(make: MakeBreaker) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/begun":
            start_response("200 OK", PLAIN)
        raise BreakerOpenError("payments", reason="latency", retry_after=3)

    breaker = make()
    server = Server(BreakerMiddleware(app, breaker))
    assert json.loads(server.read())["breaker"] == "payments"
    assert (server.status, server.headers["retry-after"]) == (503, "3")
    with pytest.raises(BreakerOpenError):
        Server(BreakerMiddleware(app, breaker), "/begun")
    assert totals(breaker) == (0, 2, 0)


def test_the_answer_to_head_has_no_body(make: MakeBreaker) -> None:
    breaker = make()
    breaker.force_open()
    whole = Server(BreakerMiddleware(answer, breaker))
    head = Server(BreakerMiddleware(answer, breaker), REQUEST_METHOD="HEAD")
    assert head.read() == b""
    assert (head.status, head.headers) == (503, whole.headers)
    assert int(head.headers["content-length"]) == len(whole.read()) > 0


@pytest.mark.parametrize("read", [True, False], ids=["read", "closed unread"])
@pytest.mark.parametrize(
    ("ignore", "status", "counted"),
    [
        (None, "503 Service Unavailable", (0, 1, 0)),
        (BreakerOpenError, "503 Service Unavailable", (1, 0, 0)),
        (BreakerOpenError, "500 Internal Server Error", (0, 1, 0)),
    ],
    ids=["a failure", "ignored", "another status"],
)
def test_what_the_application_answered_itself_is_judged_by_the_exception(
    make: MakeBreaker,
    read: bool,
    ignore: type[Exception] | None,
    status: str,
    counted: tuple[int, int, int],
) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        error = BreakerOpenError("payments", reason="latency", retry_after=3)
        set_handled_error(environ, 503, error)
        start_response(status, PLAIN)
        return [b""]

    breaker = make()
    breaker.rules = Rules(ignore=ignore)
    server = Server(BreakerMiddleware(app, breaker))
    if read:
        server.read()
    else:
        server.close()
    assert totals(breaker) == counted


def test_what_is_wrong_is_said_at_once(make: MakeBreaker) -> None:
    with pytest.raises(ValueError, match="timeout is -1"):
        BreakerMiddleware(answer, make(), timeout=-1)
