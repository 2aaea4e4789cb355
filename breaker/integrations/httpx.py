"""Guard the requests that an `httpx` client sends."""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import remaining
from breakerd.breaker.guards.guard import ConfiguredGuard, Guard
from breakerd.breaker.guards.options import DEFAULT_OPTIONS
from breakerd.breaker.guards.rules import rules_ignoring

REQUEST_ERRORS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Errors of the request itself, which never reached the server."""


class BreakerTransport(httpx.BaseTransport):
    """Guard each request of a `httpx.Client`, including each redirect; retry nothing.

    Answers from 500 on and transport errors count as errors, and so does a response that is one by
    the breaker's `failed_result`. The call lasts until the body is read or the response is closed,
    which httpx does by itself unless it streams. A response that is dropped, or closed by a
    cancellation, abandons the call. The time left until the active deadline limits each of httpx's
    timeouts (connect, read, write, pool); a timeout after that deadline abandons the call.

    Args:
        breaker: the breaker that admits and records the calls.
        transport: transport that sends; by default a new `httpx.HTTPTransport`.

    Raises:
        BreakerOpenError: from each request that is rejected.
        DeadlineExceeded: from each request that begins after the active deadline.

    Example:
        client = httpx.Client(transport=BreakerTransport(breaker))
    """

    def __init__(self, breaker: Breaker, transport: httpx.BaseTransport | None = None) -> None:
        self._breaker = breaker
        self._transport = transport or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        guard = _guard(self._breaker)
        guard.__enter__()  # left with the body
        try:
            _cap_timeouts(request)
            response = self._transport.handle_request(request)
            if not _is_over(response, guard):
                # A transport gives a stream of its own kind; the client asserts it.
                stream = cast("httpx.SyncByteStream", response.stream)
                response.stream = _GuardedStream(stream, guard)
        except BaseException as error:
            _end(guard, error)
            raise
        return response

    def close(self) -> None:
        """Close the transport that sends."""
        self._transport.close()


class AsyncBreakerTransport(httpx.AsyncBaseTransport):
    """As `BreakerTransport`, for an `httpx.AsyncClient`."""

    def __init__(self, breaker: Breaker, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._breaker = breaker
        self._transport = transport or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        guard = _guard(self._breaker)
        # The guard's sync form: between here and the end of the body the task is the caller's, and
        # not to be cancelled by us.
        guard.__enter__()  # left with the body
        try:
            _cap_timeouts(request)
            response = await self._transport.handle_async_request(request)
            if not _is_over(response, guard):
                stream = cast("httpx.AsyncByteStream", response.stream)
                response.stream = _AsyncGuardedStream(stream, guard)
        except BaseException as error:
            _end(guard, error)
            raise
        return response

    async def aclose(self) -> None:
        """Close the transport that sends."""
        await self._transport.aclose()


class _GuardedBody:
    """The end of a call, which is that of the body of its response."""

    _guard: Guard

    def _give_up(self) -> None:
        """End the call with a response that is closed; no effect if its body was read.

        Whoever closes it early was content with what came, unless a cancellation closes it.
        """
        error = sys.exception()
        if error is None or isinstance(error, Exception):
            self._guard.end()
        else:
            self._guard.abandon()

    def __del__(self) -> None:
        # Nobody closed the response, or can any more.
        self._guard.abandon()


class _GuardedStream(_GuardedBody, httpx.SyncByteStream):
    """Body of a response; the call ends with it."""

    def __init__(self, stream: httpx.SyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except GeneratorExit:
            raise  # read no further; it is closed next
        except BaseException as error:
            _end(self._guard, error)
            raise
        self._guard.end()

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._give_up()


class _AsyncGuardedStream(_GuardedBody, httpx.AsyncByteStream):
    """Body of a response; the call ends with it."""

    def __init__(self, stream: httpx.AsyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except GeneratorExit:
            raise  # read no further; it is closed next
        except BaseException as error:
            _end(self._guard, error)
            raise
        self._guard.end()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._give_up()


def _guard(breaker: Breaker) -> Guard:
    rules = rules_ignoring(breaker.rules, *REQUEST_ERRORS)
    return ConfiguredGuard(breaker, DEFAULT_OPTIONS, rules)


def _is_over(response: httpx.Response, guard: Guard) -> bool:
    """Judge a response, and end the call if its body is not going to be read.

    A mock or a cache may return a response that was read, whose stream nobody reads or closes
    then. After a 101 the connection belongs to another protocol.
    """
    if response.is_server_error:
        guard.fail()
    guard.judge(response)
    over = response.is_closed or response.status_code == 101
    if over:
        guard.end()
    return over


def _cap_timeouts(request: httpx.Request) -> None:
    """Limit each timeout of the request by the active deadline."""
    left = remaining()
    if left is not None:
        given = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            phase: left if given.get(phase) is None else min(left, given[phase])
            for phase in ("connect", "read", "write", "pool")
        }


def _end(guard: Guard, error: BaseException) -> None:
    """End the call with `error`; a timeout after the caller's deadline abandons it."""
    if isinstance(error, httpx.TimeoutException) and remaining() == 0:
        guard.abandon()
    else:
        guard.end(error)
