from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from breakerd import (
    Breaker,
    BreakerOpenError,
    DeadlineExceeded,
    Priority,
    Rules,
    Settings,
    check_deadline,
    current_priority,
    deadline,
    remaining,
)
from breakerd.breaker.integrations._handled_error import set_handled_error
from breakerd.breaker.integrations.asgi import BreakerMiddleware, Message, Receive, Scope, Send
from breakerd.breaker.testing import ManualClock
from tests.unit.breaker.integrations.conftest import abandoned, totals

MakeBreaker = Callable[..., Breaker]

SOON = 0.01


class Exchange:
    """A request, and what the server was told to answer."""

    def __init__(
        self, path: str = "/", kind: str = "http", method: str = "GET", **headers: str
    ) -> None:
        self.scope: Scope = {
            "type": kind,
            "method": method,
            "path": path,
            "headers": [
                (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
            ],
        }
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def through(self, middleware: BreakerMiddleware) -> Exchange:
        await middleware(self.scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.sent[1]["body"])
        return document


async def start(send: Send, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})


async def finish(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"ok"})


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    await start(send)
    await finish(send)


async def test_a_rejection_tells_the_breakers_own_figure(
    make: MakeBreaker, clock: ManualClock
) -> None:
    breaker = make(wait_time=10)
    breaker.trip()
    clock.advance(2.5)
    assert breaker.retry_after == pytest.approx(7.5)
    exchange = await Exchange("/pay").through(BreakerMiddleware(answer, breaker))
    assert exchange.status == 503
    assert exchange.headers[b"retry-after"] == b"8"
    assert exchange.headers[b"content-type"] == b"application/problem+json"
    assert exchange.document["instance"] == "/pay"
    assert breaker.counters().rejected == 1


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_only_http_is_guarded(make: MakeBreaker, kind: str) -> None:
    breaker = make()
    breaker.force_open()
    assert (await Exchange(kind=kind).through(BreakerMiddleware(answer, breaker))).status == 200


@pytest.mark.parametrize("kind", ["lifespan", "http"])
async def test_the_servers_loop_is_watched_where_its_lag_is_limited(
    make: MakeBreaker, clock: ManualClock, kind: str
) -> None:
    def lag() -> float | None:
        clock.advance(1)
        breaker.tick()
        load = breaker.status()["load"]
        return load["loop_lag_ms"] if load else None

    breaker = make()
    middleware = BreakerMiddleware(answer, breaker)
    await Exchange(kind=kind).through(middleware)
    breaker.apply(Settings.model_validate({"load": {"loop_lag_threshold": 60_000.0}}))
    assert lag() is None
    await Exchange(kind=kind).through(middleware)
    assert lag() is not None


def test_another_loop_than_asyncios_is_not_watched_and_does_no_harm(make: MakeBreaker) -> None:
    breaker = make(load={"loop_lag_threshold": 50.0})
    exchange = Exchange(kind="lifespan")
    with pytest.raises(StopIteration):  # the end of a coroutine that nobody else drives
        exchange.through(BreakerMiddleware(answer, breaker)).send(None)
    assert exchange.status == 200


@pytest.mark.parametrize("path", ["/healthz", "/breaker/enabled"])
async def test_excluded_paths_are_not(make: MakeBreaker, path: str) -> None:
    breaker = make()
    breaker.force_open()
    assert (await Exchange(path).through(BreakerMiddleware(answer, breaker))).status == 200
    nothing_excluded = BreakerMiddleware(answer, breaker, exclude=())
    assert (await Exchange(path).through(nothing_excluded)).status == 503


@pytest.mark.parametrize("path", ["/public", "/app/public"], ids=["without it", "with it"])
async def test_the_path_counts_with_that_of_the_mount(make: MakeBreaker, path: str) -> None:
    breaker = make()
    breaker.force_open()
    exchange = Exchange(path)
    exchange.scope["root_path"] = "/app"
    excluding = BreakerMiddleware(answer, breaker, exclude=("/app/public",))
    assert (await exchange.through(excluding)).status == 200


def by_path(scope: Scope) -> Priority | None:
    return Priority.CRITICAL_PLUS if scope["path"] == "/pay" else None


@pytest.mark.parametrize(
    ("priority", "path", "header", "found"),
    [
        (None, "/", "sheddable", Priority.CRITICAL),
        ("X-Priority", "/", "sheddable", Priority.SHEDDABLE),
        ("x-other", "/", "sheddable", Priority.CRITICAL),
        (by_path, "/pay", "sheddable", Priority.CRITICAL_PLUS),
        (by_path, "/", "sheddable", Priority.CRITICAL),
    ],
)
async def test_priority(
    make: MakeBreaker,
    priority: str | Callable[[Scope], Priority | None] | None,
    path: str,
    header: str,
    found: Priority,
) -> None:
    seen = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current_priority())
        await answer(scope, receive, send)

    await Exchange(path, x_priority=header).through(
        BreakerMiddleware(look, make(), priority=priority)
    )
    assert seen == [found]


@pytest.mark.parametrize(("status", "counted"), [(499, (1, 0, 0)), (500, (0, 1, 0))])
async def test_status(make: MakeBreaker, status: int, counted: tuple[int, int, int]) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, status)
        await finish(send)

    breaker = make()
    await Exchange().through(BreakerMiddleware(app, breaker))
    assert totals(breaker) == counted


async def test_an_exception_comes_through_and_counts(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise KeyError("x")

    breaker = make()
    with pytest.raises(KeyError):
        await Exchange().through(BreakerMiddleware(app, breaker))
    assert totals(breaker) == (0, 1, 0)


async def test_an_answer_that_never_comes_is_an_error(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)

    breaker = make()
    await Exchange().through(BreakerMiddleware(app, breaker))
    assert totals(breaker) == (0, 1, 0)


async def test_what_goes_wrong_after_the_client_left_is_no_error(make: MakeBreaker) -> None:
    async def give_up(_scope: Scope, receive: Receive, _send: Send) -> None:
        assert (await receive())["type"] == "http.disconnect"

    async def crash(scope: Scope, receive: Receive, send: Send) -> None:
        await give_up(scope, receive, send)
        raise KeyError

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await give_up(scope, receive, send)
        await start(send, 500)
        await finish(send)

    breaker = make()
    await Exchange().through(BreakerMiddleware(give_up, breaker))
    await Exchange().through(BreakerMiddleware(fail, breaker))
    with pytest.raises(KeyError):
        await Exchange().through(BreakerMiddleware(crash, breaker))
    assert abandoned(breaker) == 3


async def test_a_client_found_gone_while_sending_is_no_error(make: MakeBreaker) -> None:
    class Gone(Exchange):
        async def send(self, message: Message) -> None:
            if message["type"] == "http.response.body":
                raise BrokenPipeError
            await super().send(message)

    breaker = make()
    with pytest.raises(BrokenPipeError):
        await Gone().through(BreakerMiddleware(answer, breaker))
    assert abandoned(breaker) == 1


@pytest.mark.parametrize("seconds", [None, 3600])
async def test_the_server_may_cancel(make: MakeBreaker, seconds: float | None) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        entered.set()
        await asyncio.Event().wait()

    breaker, entered = make(), asyncio.Event()
    task = asyncio.create_task(Exchange().through(BreakerMiddleware(app, breaker, timeout=seconds)))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert abandoned(breaker) == 1


@pytest.mark.parametrize("seconds", [None, 5])
async def test_the_call_ends_with_the_last_byte(
    make: MakeBreaker, clock: ManualClock, seconds: float | None
) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        for more in (True, False):
            clock.advance(1)
            assert breaker.in_flight == 1
            assert (remaining() is None) == (seconds is None)
            await send({"type": "http.response.body", "body": b"x", "more_body": more})
        assert breaker.in_flight == 0
        assert remaining() is None
        clock.advance(60)
        raise KeyError("in work that comes after")

    breaker = make()
    with pytest.raises(KeyError):
        await Exchange().through(BreakerMiddleware(app, breaker, timeout=seconds))
    assert totals(breaker) == (1, 0, 0)
    assert breaker.counters().duration_sum == 2


async def test_a_file_sent_by_path_is_a_whole_body(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        await send({"type": "http.response.pathsend", "path": "/tmp/file"})
        assert breaker.in_flight == 0

    breaker = make()
    await Exchange().through(BreakerMiddleware(app, breaker))
    assert totals(breaker) == (1, 0, 0)


async def test_time_out(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        async with inner.guard():
            await asyncio.Event().wait()

    breaker, inner = make(), make()
    exchange = await Exchange("/slow").through(BreakerMiddleware(app, breaker, timeout=SOON))
    assert exchange.status == 504
    assert exchange.document["detail"] == "breaker 'default': the call did not end within 0.01 s"
    assert totals(breaker) == (0, 1, 0)
    assert abandoned(inner) == 1


async def test_time_out_after_the_answer_has_begun_is_the_servers(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        await asyncio.Event().wait()

    breaker, exchange = make(), Exchange()
    with pytest.raises(DeadlineExceeded):
        await exchange.through(BreakerMiddleware(app, breaker, timeout=SOON))
    assert [message["type"] for message in exchange.sent] == ["http.response.start"]
    assert totals(breaker) == (0, 1, 0)


async def test_a_deadline_around_it_cuts_off_too_and_is_no_error(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    breaker = make()
    # On a clock that stands, so that it has not passed on entry, however slow the machine is.
    with deadline(SOON, clock=ManualClock()):
        exchange = await Exchange().through(BreakerMiddleware(app, breaker))
    assert exchange.status == 504
    assert abandoned(breaker) == 1


def test_a_breaker_keeps_no_application(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Nothing."""

    breaker = make()
    middleware = BreakerMiddleware(app, breaker)
    gone = weakref.ref(middleware)
    del middleware
    gc.collect()
    assert gone() is None
    breaker.apply(breaker.settings.model_copy(update={"wait_time": 7}))


@pytest.mark.parametrize("seconds", [None, 5])
async def test_what_goes_wrong_after_the_client_left_is_no_error_on_any_terms(
    make: MakeBreaker, seconds: float | None
) -> None:
    async def crash(_scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await receive()
        raise KeyError

    async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, 500)

    breaker = make()
    with pytest.raises(KeyError):
        await Exchange().through(BreakerMiddleware(crash, breaker, timeout=seconds))
    assert abandoned(breaker) == 1
    await Exchange().through(BreakerMiddleware(refuse, breaker, timeout=seconds))
    assert totals(breaker) == (0, 1, 0)


@pytest.mark.parametrize("seconds", [None, 5])
async def test_a_failure_before_the_client_left_is_an_error(
    make: MakeBreaker, seconds: float | None
) -> None:
    async def fail(_scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, 500)
        await receive()

    breaker = make()
    await Exchange().through(BreakerMiddleware(fail, breaker, timeout=seconds))
    assert totals(breaker) == (0, 1, 0)


async def test_the_stated_service_levels_time_out(make: MakeBreaker) -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    breaker = make(slo={"success_rate": 0.9, "timeout": SOON})
    exchange = await Exchange().through(BreakerMiddleware(app, breaker, timeout="slo"))
    assert exchange.status == 504


async def test_what_the_application_lets_out_is_answered_too(
    make: MakeBreaker, clock: ManualClock
) -> None:
    async def rejected(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise BreakerOpenError("payments", reason="latency", retry_after=3)

    async def late(_scope: Scope, _receive: Receive, _send: Send) -> None:
        clock.advance(6)
        check_deadline()

    breaker = make()
    exchange = await Exchange().through(BreakerMiddleware(rejected, breaker))
    assert (exchange.status, exchange.headers[b"retry-after"]) == (503, b"3")
    assert exchange.document["breaker"] == "payments"
    exchange = await Exchange().through(BreakerMiddleware(late, breaker, timeout=5))
    assert exchange.status == 504
    assert totals(breaker) == (0, 2, 0)


async def test_the_answer_to_head_has_no_body(make: MakeBreaker) -> None:
    breaker = make()
    breaker.force_open()
    middleware = BreakerMiddleware(answer, breaker)
    whole = await Exchange().through(middleware)
    head = await Exchange(method="HEAD").through(middleware)
    assert head.sent[1]["body"] == b""
    assert head.headers == whole.headers
    assert int(head.headers[b"content-length"]) == len(whole.sent[1]["body"]) > 0


@pytest.mark.parametrize("seconds", [None, 5], ids=["plain", "guarded"])
@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
@pytest.mark.parametrize(
    ("ignore", "status", "counted"),
    [
        (None, 503, (0, 1, 0)),
        (BreakerOpenError, 503, (1, 0, 0)),
        (BreakerOpenError, 500, (0, 1, 0)),
    ],
    ids=["a failure", "ignored", "another status"],
)
async def test_what_the_application_answered_itself_is_judged_by_the_exception(
    make: MakeBreaker,
    seconds: float | None,
    leaves: bool,
    ignore: type[Exception] | None,
    status: int,
    counted: tuple[int, int, int],
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        error = BreakerOpenError("payments", reason="latency", retry_after=3)
        set_handled_error(scope, 503, error)
        await start(send, status)
        if leaves:
            await receive()
        await finish(send)

    breaker = make()
    breaker.rules = Rules(ignore=ignore)
    await Exchange().through(BreakerMiddleware(app, breaker, timeout=seconds))
    assert totals(breaker) == counted


def test_what_is_wrong_is_said_at_once(make: MakeBreaker) -> None:
    with pytest.raises(ValueError, match="timeout is 0"):
        BreakerMiddleware(answer, make(), timeout=0)
    with pytest.raises(ValueError, match="exclude holds 'healthz'"):
        BreakerMiddleware(answer, make(), exclude=["healthz"])
