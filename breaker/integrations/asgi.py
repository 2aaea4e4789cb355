"""Guard the requests to an ASGI application (Starlette, FastAPI, Quart, Django …)."""

import weakref
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import ACTIVE_DEADLINES, Priority, get_deadline
from breakerd.breaker.errors import BreakerError, BreakerOpenError, DeadlineExceeded
from breakerd.breaker.events.events import Event
from breakerd.breaker.guards.guard import Guard
from breakerd.breaker.guards.options import CallOptions, Timeout
from breakerd.breaker.guards.target import report_exception
from breakerd.breaker.integrations._handled_error import get_handled_error
from breakerd.breaker.integrations._priority_header import parse_priority
from breakerd.breaker.integrations._route_filter import DEFAULT_EXCLUDED, RouteFilter
from breakerd.breaker.integrations.problem import ProblemResponse

# Scopes and messages of ASGI are dictionaries with values of any type.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BreakerMiddleware:
    """Guard the HTTP requests to an application.

    A rejected request gets 503 with `Retry-After`, and a timed-out one 504, both as
    `application/problem+json` (RFC 9457). Responses from 500 on, exceptions and timeouts count as
    errors. The call lasts until the last byte of the body is sent; later work is not part of it. If
    the client disconnects before that, or the server cancels the request, the call is abandoned.
    Websockets and the lifespan are passed through.

    `BreakerOpenError` and `DeadlineExceeded` that come out of the application are answered in the
    same way. Add it by `app.add_middleware`: put around a whole Starlette, FastAPI, Quart or Django
    application it sees no exception, only that application's 500. The modules `.starlette` and
    `.django` beside this one answer there as this does.

    On a timeout the application is cancelled. If its response has begun by then, the exception
    goes to the server, which cuts the connection. An endpoint that runs in a thread is not
    interrupted: it continues, and its response is dropped.

    If `[load]` has a `loop_lag_threshold`, the lag of the server's event loop is measured.

    Args:
        app: the application.
        breaker: the breaker that admits and records the calls.
        exclude: paths that are not guarded; a `*` at the end matches any rest.
        priority: name of a header with the priority of a request (see
            `breakerd.breaker.integrations._priority_header.parse_priority`), or a function of the
            scope that returns it. Trust a header only from your own callers. None, or a value that
            is not a priority: the priority of the context.
        timeout: seconds until the last byte; "slo": the timeout of the service level. Put
            streams that stay open into `exclude`.

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
        exclude: Iterable[str] = DEFAULT_EXCLUDED,
        priority: str | Callable[[Scope], Priority | None] | None = None,
        timeout: Timeout | None = None,
    ) -> None:
        self._app = app
        self._breaker = breaker
        self._excluded = RouteFilter(exclude)
        self._priority = _by_header(priority) if isinstance(priority, str) else priority
        self._timeout = timeout
        self._needs_guard = timeout is not None or priority is not None
        CallOptions(timeout)  # raises at once if it is invalid
        self._update_settings()
        # Settings may change at run time, and are not read on each request. The reference is weak,
        # because the breaker may outlive the application.
        method = weakref.WeakMethod(self._update_settings)

        def listen(event: Event) -> None:
            if update := method():
                update(event)

        weakref.finalize(self, breaker.subscribe(listen)).atexit = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if self._watches_loop_lag:
            self._watch_loop()
        if (
            scope["type"] != "http"
            or (path := _full_path(scope) if scope.get("root_path") else scope["path"])
            in self._excluded.exact
            or path.startswith(self._excluded.prefixes)
        ):
            await self._app(scope, receive, send)
            return
        app, exchange = self._app, _Exchange()
        # Not in an `__init__`, which would double the cost of these assignments.
        exchange.scope, exchange.from_server, exchange.to_server = scope, receive, send
        exchange.started = exchange.completed = exchange.client_left = False
        exchange.guard = exchange.error = None
        try:
            if self._needs_guard or (ACTIVE_DEADLINES and get_deadline() is not None):
                await self._handle_guarded(scope, exchange)
                return
            # Same as a guard, written out: saves a quarter of the cost of the middleware.
            exchange.breaker = breaker = self._breaker
            exchange.failing = False
            if not breaker.allow():
                raise breaker.rejection()
            clock = breaker.clock
            exchange.start = clock()
            try:
                await app(scope, exchange.receive, exchange.send)
            except BaseException as error:
                exchange.close(error)
                raise
            if not exchange.completed:
                exchange.close()
        except (BreakerOpenError, DeadlineExceeded) as error:
            if exchange.started:
                raise
            await _respond(scope, send, ProblemResponse.of(error, path))

    async def _handle_guarded(self, scope: Scope, exchange: "_Exchange") -> None:
        priority = self._priority(scope) if self._priority else None
        async with self._breaker.guard(self._timeout, priority) as guard:
            exchange.guard = guard
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Exception:
                if exchange.client_left:
                    exchange.leave()  # whatever failed after that
                raise
            if exchange.client_left:
                exchange.leave()
            elif not exchange.completed:
                guard.fail()

    def _update_settings(self, _event: Event | None = None) -> None:
        self._watches_loop_lag = self._breaker.settings.load.loop_lag_threshold is not None

    def _watch_loop(self) -> None:
        with suppress(RuntimeError):  # no loop of asyncio's, but perhaps of trio's
            self._breaker.watch_loop()


class _Exchange:
    """One request and its answer, as they go by.

    Attributes:
        scope: what the request asks for.
        from_server: gives the request.
        to_server: takes the answer.
        started: whether the answer has begun.
        completed: whether it was sent whole.
        client_left: whether the client was found gone.
        guard: what reports the call. Without one it is done here, by what follows.
        breaker: what to report to.
        start: when the call began, by the breaker's clock.
        failing: whether it is an error.
        error: the exception that the answer stands for, where the application answered one.
    """

    __slots__ = (
        "breaker",
        "client_left",
        "completed",
        "error",
        "failing",
        "from_server",
        "guard",
        "scope",
        "start",
        "started",
        "to_server",
    )

    scope: Scope
    from_server: Receive
    to_server: Send
    started: bool
    completed: bool
    client_left: bool
    guard: Guard | None
    breaker: Breaker
    start: float
    failing: bool
    error: BreakerError | None

    async def receive(self) -> Message:
        """Return the next message from the server."""
        message = await self.from_server()
        if message["type"] == "http.disconnect":
            self.client_left = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message to the server."""
        # Called as an attribute, which is no method, it would be looked up anew each time: 15 ns.
        to_server, kind = self.to_server, message["type"]
        if kind == "http.response.start":
            last = False
            self.started = True
            if message["status"] >= 500 and not self.client_left:
                self.error = get_handled_error(self.scope, message["status"])
                if self.error is None:
                    self._fail()
        else:
            # A whole file, the last of the kinds, knows no `more_body`.
            last = kind in _BODY and not message.get("more_body")
        try:
            await to_server(message)
        except OSError:
            self.client_left = True
            raise
        if last and not self.completed:
            if self.client_left:
                self.leave()
                return
            self.completed = True
            if self.error is not None:
                self._judge(self.error)
            elif self.guard is None:
                breaker = self.breaker
                clock = breaker.clock
                breaker.done(self.start, clock(), self.failing)
            else:
                self.guard.end()

    def leave(self) -> None:
        """Report the call, if that is not done: the client left before the last byte."""
        if self.completed:
            return
        self.completed = True
        if self.error is not None:
            self._judge(self.error)
        elif self.guard is not None:
            self.guard.abandon()
        elif self.failing:
            self.breaker.done(self.start, self.breaker.clock(), error=True)
        else:
            self.breaker.abandon(self.start)

    def close(self, error: BaseException | None = None) -> None:
        """Report the call, if that is not done, when the application ended by `error` or well."""
        if self.client_left:
            self.leave()
        if self.completed:
            return
        self.completed = True
        if self.failing or error is None:
            self.breaker.done(self.start, self.breaker.clock(), error=True)
        else:
            self._judge(error)

    def _judge(self, error: BaseException) -> None:
        """Report the call by the exception that it ended with."""
        if self.guard is not None:
            self.guard.end(error)
            return
        breaker = self.breaker
        report_exception(breaker, self.start, breaker.clock(), breaker.rules, error)

    def _fail(self) -> None:
        if self.guard is None:
            self.failing = True
        else:
            self.guard.fail()


_BODY: Final = frozenset(
    {"http.response.body", "http.response.zerocopysend", "http.response.pathsend"}
)


def _by_header(name: str) -> Callable[[Scope], Priority | None]:
    wanted = name.lower().encode("latin-1")

    def read(scope: Scope) -> Priority | None:
        values = [value for header, value in scope["headers"] if header == wanted]
        return parse_priority(b",".join(values).decode("latin-1")) if values else None

    return read


def _full_path(scope: Scope) -> str:
    """Return the path with that of the mount, which Starlette before 0.33 leaves out."""
    root, path = scope["root_path"], scope["path"]
    full: str = path if path.startswith(root) else root + path
    return full


async def _respond(scope: Scope, send: Send, problem: ProblemResponse) -> None:
    headers = [(name.encode(), value.encode()) for name, value in problem.headers]
    await send({"type": "http.response.start", "status": problem.status.value, "headers": headers})
    await send({"type": "http.response.body", "body": problem.content(scope["method"])})
