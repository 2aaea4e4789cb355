"""A breaker around an ASGI application (Starlette, FastAPI, Quart, Django …)."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any

from breaker.breaker import Breaker
from breaker.context import Priority
from breaker.errors import BreakerOpenError, DeadlineExceeded
from breaker.guard import Guard, Timeout
from breaker.integrations.priority import parse
from breaker.integrations.problem import Problem
from breaker.integrations.routes import UNGUARDED, Routes

# ASGI's scopes and messages are dictionaries of whatever the protocol says.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BreakerMiddleware:
    """Guards the HTTP requests that an application gets.

    A request that is rejected is answered 503 with `Retry-After`, and one whose time is over 504,
    both as `application/problem+json` (RFC 9457). Answers from 500 on, exceptions and time-outs
    count as errors. The call lasts until the last byte of the body is sent; work after that is no
    part of it. A client that goes away is no error. Websockets and the lifespan pass untouched.

    When the time is over the application is cancelled. If its answer has begun by then, the
    exception goes to the server, which cuts the connection. An endpoint that runs in a thread is
    not interrupted: it goes on, and its answer is dropped.

    Where `[load]` has a `loop_lag_threshold`, the server's event loop is watched.

    Args:
        app: the application.
        breaker: what to ask and to report to.
        exclude: paths that are not guarded; with a `*` at the end, all that begin so.
        priority: the name of a header that gives a request's priority (see
            `breaker.integrations.priority.parse`), or a function of the scope that does. Trust a
            header only from callers of your own. None, or a value that says nothing: as it is
            around.
        timeout: seconds until the last byte; "slo" for the stated service level's. Leave streams
            that are meant to stay open to `exclude`.

    Raises:
        ValueError: `timeout` or a path of `exclude` is not allowed.

    Example:
        app.add_middleware(BreakerMiddleware, breaker=breaker, priority="priority", timeout=2)
    """

    def __init__(
        self,
        app: Application,
        breaker: Breaker,
        *,
        exclude: Iterable[str] = UNGUARDED,
        priority: str | Callable[[Scope], Priority | None] | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        self._app = app
        self._breaker = breaker
        self._excluded = Routes(exclude)
        self._priority = _by_header(priority) if isinstance(priority, str) else priority
        self._timeout = timeout
        breaker.guard(timeout=timeout)  # says at once what is wrong with it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes one request."""
        self._watch_loop()
        if scope["type"] != "http" or scope["path"] in self._excluded:
            await self._app(scope, receive, send)
            return
        priority = self._priority(scope) if self._priority else None
        exchange = _Exchange(
            self._breaker.guard(timeout=self._timeout, priority=priority), receive, send
        )
        try:
            await exchange.run(self._app, scope)
        except (BreakerOpenError, DeadlineExceeded) as error:
            if exchange.started:
                raise
            await _answer(send, Problem.of(error, scope["path"]))

    def _watch_loop(self) -> None:
        # With each request, since the threshold may be set while it runs; it is known then.
        if self._breaker.settings.load.loop_lag_threshold is not None:
            with suppress(RuntimeError):  # no loop of asyncio's, but perhaps of trio's
                self._breaker.watch_loop()


class _Exchange:
    """One request and its answer, as they go by."""

    def __init__(self, guard: Guard, receive: Receive, send: Send) -> None:
        self.started = False
        self._completed = False
        self._client_left = False
        self._guard = guard
        self._receive_from_server = receive
        self._send_to_server = send

    async def run(self, app: Application, scope: Scope) -> None:
        async with self._guard:
            try:
                await app(scope, self._receive, self._send)
            except Exception:
                if self._client_left:
                    self._guard.end()  # nobody is there to be failed
                raise
            if not self._completed and not self._client_left:
                self._guard.fail()

    async def _receive(self) -> Message:
        message = await self._receive_from_server()
        if message["type"] == "http.disconnect":
            self._client_left = True
        return message

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if message["status"] >= 500 and not self._client_left:
                self._guard.fail()
        try:
            await self._send_to_server(message)
        except OSError:
            self._client_left = True
            raise
        if _is_last(message):
            self._completed = True
            self._guard.end()


def _is_last(message: Message) -> bool:
    kind = message["type"]
    return kind == "http.response.pathsend" or (
        kind in {"http.response.body", "http.response.zerocopysend"}
        and not message.get("more_body", False)
    )


def _by_header(name: str) -> Callable[[Scope], Priority | None]:
    wanted = name.lower().encode("latin-1")

    def read(scope: Scope) -> Priority | None:
        values = [value for header, value in scope["headers"] if header == wanted]
        return parse(b",".join(values).decode("latin-1")) if values else None

    return read


async def _answer(send: Send, problem: Problem) -> None:
    headers = [(name.encode(), value.encode()) for name, value in problem.headers]
    await send({"type": "http.response.start", "status": problem.status.value, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body})
