"""Send events to HTTP clients: each event is encoded once, the number of clients is bounded.

One subscription to the registry serves all clients, and the event loop distributes its events. So
what an event costs the thread that emits it does not depend on the number of clients.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from fastapi.encoders import jsonable_encoder

from breakerd.api.http.host_exit import is_host_stopping
from breakerd.api.problems import Problem
from breakerd.breaker.encoding.strict_json import dumps
from breakerd.breaker.events.event_data import event_data
from breakerd.breaker.events.events import Event, EventsMissed
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.events.stream import EventStream
    from breakerd.breaker.registry import Registry

_log = get_logger(__name__)

_RECONNECT_MS: Final = 2000
"""Milliseconds after which a disconnected client should reconnect."""
KEEPALIVE_AFTER: Final = 15.0
"""Seconds without an event after which a comment keeps proxies from closing the stream."""
_LOOK_EVERY: Final = 0.25
"""Seconds between two looks at whether the host's server is stopping."""
_PAUSE: Final = 1.0
"""Maximum seconds between two looks at events that are read elsewhere."""
_WRITING: Final = 0.4
"""Seconds after which an event of this process has been written there, usually."""
_MAX_BATCH: Final = 100
"""Maximum number of events in one chunk."""

GREETING: Final = f": listening\nretry: {_RECONNECT_MS}\n\n".encode()
KEEPALIVE: Final = b": ping\n\n"


class EventFeed:
    """Distribute a registry's events to subscribers. To be used in one event loop."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self._subscribers: list[Subscriber] = []
        self._stream: EventStream | None = None
        """Subscription to the registry; None while there are no subscribers."""
        self._forwarder: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def subscribe(
        self, *, limit: int, buffer: int, breaker: str | None = None
    ) -> "AsyncIterator[Subscriber]":
        """Subscribe to events from now on, within the context.

        Args:
            limit: maximum number of subscribers.
            buffer: maximum number of events waiting for this subscriber.
            breaker: only this breaker's events; None for all.

        Raises:
            Problem: 503 if there are `limit` subscribers already, or the service is stopping.
        """
        stopping = self._closed or is_host_stopping()
        if stopping or len(self._subscribers) >= limit:
            why = "The service is stopping." if stopping else f"{limit} clients follow already."
            raise Problem(503, why, headers={"Retry-After": "5"})
        if self._stream is None:
            self._stream = self._registry.events(buffer)
            self._forwarder = asyncio.create_task(self._forward(self._stream))
            self._watcher = asyncio.create_task(self._end_with_host())
        subscriber = Subscriber(buffer, breaker)
        self._subscribers.append(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.remove(subscriber)
            if not self._subscribers:
                await self._stop()

    async def close(self) -> None:
        """End all streams, so that their connections can close."""
        self._closed = True
        self._close_all()

    def _close_all(self) -> None:
        for subscriber in self._subscribers:
            subscriber.close()

    async def _end_with_host(self) -> None:
        """End the streams once the host's server is stopping, because it waits for them."""
        while not is_host_stopping():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(_LOOK_EVERY)
        self._close_all()

    async def _stop(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()  # ends the forwarder as well

    async def _forward(self, stream: "EventStream") -> None:
        async for event in stream:
            try:
                self._dispatch(event)
            except Exception:  # noqa: BLE001 - later events must still be sent
                _log.exception("event not sent", event_type=type(event).__name__)

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, EventsMissed):
            for subscriber in self._subscribers:
                subscriber.count_dropped(event.count)
            return
        message = _encode(event)
        for subscriber in self._subscribers:
            subscriber.push(event.breaker, message)


class Subscriber:
    """Queue events for one client; the oldest is dropped when the queue is full.

    To be used in one event loop.

    Args:
        buffer: maximum number of events in the queue.
        breaker: only this breaker's events; None for all.
    """

    def __init__(self, buffer: int, breaker: str | None) -> None:
        self._breaker = breaker
        self._queue: deque[bytes] = deque(maxlen=buffer)
        self._dropped = 0
        self._ready = asyncio.Event()
        self._closed = False

    def push(self, breaker: str, message: bytes) -> None:
        """Queue an encoded event of that breaker."""
        if self._breaker in {None, breaker}:
            self._dropped += len(self._queue) == self._queue.maxlen
            self._queue.append(message)
            self._ready.set()

    def count_dropped(self, count: int) -> None:
        """Count events that were dropped before they came here."""
        self._dropped += count
        self._ready.set()

    def close(self) -> None:
        """End the stream after the queued events."""
        self._closed = True
        self._ready.set()

    @property
    def closed(self) -> bool:
        """Return True if the stream has to end."""
        return self._closed

    async def pause(self) -> None:
        """Wait for an event or the end, at most a second, for who reads the events elsewhere."""
        self._queue.clear()
        self._dropped = 0
        self._ready.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE):
                await self._ready.wait()
                if not self._closed:
                    await asyncio.sleep(_WRITING)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what to send: a greeting, then events in chunks, keep-alive comments in between.

        An event of type `EventsMissed` precedes the events that follow dropped ones.
        """
        yield GREETING
        while True:
            if chunk := self._next_chunk():
                yield chunk
            elif self._closed:
                return
            elif not await self._wait():
                yield KEEPALIVE

    def _next_chunk(self) -> bytes:
        dropped, self._dropped = self._dropped, 0
        notice = [_encode(_missed_event(dropped))] if dropped else []
        count = min(_MAX_BATCH, len(self._queue))
        return b"".join([*notice, *(self._queue.popleft() for _ in range(count))])

    async def _wait(self) -> bool:
        """Wait for something to send; return False after `KEEPALIVE_AFTER` seconds."""
        self._ready.clear()
        try:
            async with asyncio.timeout(KEEPALIVE_AFTER):
                return await self._ready.wait()
        except TimeoutError:
            return False


def _missed_event(count: int) -> EventsMissed:
    return EventsMissed(breaker="", at=time.time(), monotonic=time.monotonic(), count=count)


def _encode(event: Event) -> bytes:
    # JSON has no line break, which would end the field. FastAPI formats events only since 0.135.
    return f"data: {dumps(jsonable_encoder(event_data(event)), ensure_ascii=True)}\n\n".encode()
