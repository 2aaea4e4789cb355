"""Guard the requests to a WSGI application (Flask, Django, Pyramid …)."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import Priority
from breakerd.breaker.errors import BreakerError, BreakerOpenError, DeadlineExceeded
from breakerd.breaker.guards.guard import Guard
from breakerd.breaker.guards.options import CallOptions, Timeout
from breakerd.breaker.integrations._environ import request_path
from breakerd.breaker.integrations._handled_error import get_handled_error
from breakerd.breaker.integrations._priority_header import parse_priority
from breakerd.breaker.integrations._route_filter import DEFAULT_EXCLUDED, RouteFilter
from breakerd.breaker.integrations.problem import ProblemResponse

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class BreakerMiddleware:
    """Guard the requests to an application.

    Like `breakerd.breaker.integrations.asgi.BreakerMiddleware`, but nothing is interrupted:
    `timeout` is only the deadline of the context, and a late response is sent and counts as an
    error. If `DeadlineExceeded` comes out of the application the response is 504, for
    `BreakerOpenError` it is 503. Flask and Django let no exception of a view out, and answer 500;
    `breakerd.breaker.integrations.flask` and `.django` answer as this does. The call lasts until
    the body is exhausted; if it is closed before that, as when the client has left, the call is
    abandoned.

    Args:
        app: the application.
        breaker: the breaker that admits and records the calls.
        exclude: paths that are not guarded; a `*` at the end matches any rest.
        priority: name of a header with the priority of a request, or a function of the
            environment that returns it.
        timeout: seconds until the last byte; "slo": the timeout of the service level.

    Raises:
        ValueError: `timeout` or a path of `exclude` is not allowed.

    Example:
        app.wsgi_app = BreakerMiddleware(app.wsgi_app, breaker, timeout=2)
    """

    def __init__(
        self,
        app: "WSGIApplication",
        breaker: Breaker,
        *,
        exclude: Iterable[str] = DEFAULT_EXCLUDED,
        priority: "str | Callable[[WSGIEnvironment], Priority | None] | None" = None,
        timeout: Timeout | None = None,
    ) -> None:
        self._app = app
        self._breaker = breaker
        self._excluded = RouteFilter(exclude)
        self._priority = _by_header(priority) if isinstance(priority, str) else priority
        self._timeout = timeout
        CallOptions(timeout)  # raises at once if it is invalid

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Handle one request."""
        path = request_path(environ)
        if path in self._excluded:
            return self._app(environ, start_response)
        priority = self._priority(environ) if self._priority else None
        guard = self._breaker.guard(self._timeout, priority)
        start = _GuardedStart(environ, start_response, guard)
        try:
            guard.__enter__()  # left with the body, after this block
            try:
                return _GuardedBody(self._app(environ, start), start, guard)
            except BaseException as error:
                guard.end(error)
                raise
        except (BreakerOpenError, DeadlineExceeded) as error:
            if start.started:
                raise
            return _respond(environ, start_response, ProblemResponse.of(error, path))


class _GuardedStart:
    """`start_response`, with an eye on the status.

    Attributes:
        started: whether the response has begun.
        error: the exception that it stands for, where the application answered one.
    """

    def __init__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", guard: Guard
    ) -> None:
        self.started = False
        self.error: BreakerError | None = None
        self._environ = environ
        self._start_response = start_response
        self._guard = guard

    def __call__(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: "OptExcInfo | None" = None,
        /,
    ) -> Callable[[bytes], object]:
        self.started = True
        if status.startswith("5"):
            self.error = get_handled_error(self._environ, int(status[:3]))
            if self.error is None:
                self._guard.fail()
        return self._start_response(status, headers, exc_info)


class _GuardedBody:
    """Body of the response; the call ends with it."""

    def __init__(self, body: Iterable[bytes], start: _GuardedStart, guard: Guard) -> None:
        self._body = body
        self._start = start
        self._guard = guard

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except BaseException as error:
            self._guard.end(error)
            raise
        self._guard.end(self._start.error)

    def close(self) -> None:
        """Close the application's body, as the server must whatever happens (PEP 3333)."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._leave()

    def __del__(self) -> None:
        # A server that gave the request up may do neither.
        self._leave()

    def _leave(self) -> None:
        """Report the call, unless the body was exhausted."""
        if self._start.error is not None:
            self._guard.end(self._start.error)  # known before the client left
        self._guard.abandon()


def _by_header(name: str) -> "Callable[[WSGIEnvironment], Priority | None]":
    key = f"HTTP_{name.upper().replace('-', '_')}"

    def read(environ: "WSGIEnvironment") -> Priority | None:
        return parse_priority(environ.get(key, ""))

    return read


def _respond(
    environ: "WSGIEnvironment", start_response: "StartResponse", problem: ProblemResponse
) -> Iterable[bytes]:
    start_response(f"{problem.status.value} {problem.status.phrase}", list(problem.headers))
    return [problem.content(environ.get("REQUEST_METHOD", "GET"))]
