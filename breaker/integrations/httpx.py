"""Guard the requests that an `httpx` client sends."""

from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.context import remaining
from breakerd.breaker.guards.guard import Guard

REQUEST_ERRORS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Errors of the request itself, which never reached the server."""


class BreakerTransport(httpx.BaseTransport):
    """Guard each request of a `httpx.Client`, including each redirect; retry nothing.

    Answers from 500 on and transport errors count as errors. The call lasts until the response is
    closed, as httpx does by itself once the body is read. The time left until the active
    deadline limits each of httpx's timeouts (connect, read, write, pool). A timeout after that
    deadline is not an error.

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
        guard = self._breaker.guard(ignore=REQUEST_ERRORS)
        guard.__enter__()  # left with the body
        try:
            _cap_timeouts(request)
            response = self._transport.handle_request(request)
            if response.is_server_error:
                guard.fail()
            # A transport gives a stream of its own kind; the client asserts it.
            response.stream = _GuardedStream(cast("httpx.SyncByteStream", response.stream), guard)
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
        guard = self._breaker.guard(ignore=REQUEST_ERRORS)
        # The guard's sync form: between here and the end of the body the task is the caller's, and
        # not to be cancelled by us.
        guard.__enter__()  # left with the body
        try:
            _cap_timeouts(request)
            response = await self._transport.handle_async_request(request)
            if response.is_server_error:
                guard.fail()
            response.stream = _AsyncGuardedStream(
                cast("httpx.AsyncByteStream", response.stream), guard
            )
        except BaseException as error:
            _end(guard, error)
            raise
        return response

    async def aclose(self) -> None:
        """Close the transport that sends."""
        await self._transport.aclose()


class _GuardedStream(httpx.SyncByteStream):
    """Body of a response; the call ends with it."""

    def __init__(self, stream: httpx.SyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except Exception as error:
            _end(self._guard, error)
            raise

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._guard.end()


class _AsyncGuardedStream(httpx.AsyncByteStream):
    """Body of a response; the call ends with it."""

    def __init__(self, stream: httpx.AsyncByteStream, guard: Guard) -> None:
        self._stream = stream
        self._guard = guard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except Exception as error:
            _end(self._guard, error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._guard.end()


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
    """End the call with `error`; a timeout after the caller's deadline is not an error."""
    if isinstance(error, httpx.TimeoutException) and remaining() == 0:
        guard.end()
    else:
        guard.end(error)
