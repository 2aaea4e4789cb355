"""Events for whoever follows them over HTTP: written down once, sent to a bounded number of them.

What an event costs the thread whose call moved a breaker does not depend on how many read: one
subscription serves all of them, and the event loop hands on what it brings.
"""

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Final

from fastapi.encoders import jsonable_encoder
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from breakerd.api.problems import Problem
from breakerd.breaker.events.events import Event, EventsMissed, Evidence
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.status import report

if TYPE_CHECKING:
    from breakerd.breaker.events.stream import EventStream
    from breakerd.breaker.registry import Registry

_log = get_logger(__name__)

_RECONNECT_MS: Final = 2000
"""Milliseconds after which a client that lost the stream should come again."""
_KEEPALIVE_AFTER: Final = 15.0
"""Seconds without an event after which a comment shows proxies that the stream lives."""
_MAX_BATCH: Final = 100
"""Events sent in one piece, at most."""

_GREETING: Final = format_sse_event(comment="listening", retry=_RECONNECT_MS)


class EventFeed:
    """The readers there are. To be used in one event loop."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self._subscribers: list[Subscriber] = []
        self._stream: EventStream | None = None
        """What comes from the breakers, while anybody reads."""
        self._forwarder: asyncio.Task[None] | None = None
        self._closed = False

    @asynccontextmanager
    async def subscribe(
        self, *, limit: int, buffer: int, breaker: str | None = None
    ) -> "AsyncIterator[Subscriber]":
        """A reader of all events from now on, or of one breaker's.

        Raises:
            Problem: 503, when `limit` clients read already, or the service is stopping.
        """
        if self._closed or len(self._subscribers) >= limit:
            why = "The service is stopping." if self._closed else f"{limit} clients follow already."
            raise Problem(503, why, headers={"Retry-After": "5"})
        if self._stream is None:
            self._stream = self._registry.events(buffer)
            self._forwarder = asyncio.create_task(self._forward(self._stream))
        reader = Subscriber(buffer, breaker)
        self._subscribers.append(reader)
        try:
            yield reader
        finally:
            self._subscribers.remove(reader)
            if not self._subscribers:
                await self._stop()

    async def close(self) -> None:
        """Ends all streams, so that their readers' connections can end."""
        self._closed = True
        for reader in self._subscribers:
            reader.close()

    async def _stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()  # which ends the task as well

    async def _forward(self, stream: "EventStream") -> None:
        async for event in stream:
            try:
                self._dispatch(event)
            except Exception:  # noqa: BLE001 - one event's fault must not silence those after it
                _log.exception("event not sent", event_type=type(event).__name__)

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, EventsMissed):
            for reader in self._subscribers:
                reader.count_dropped(event.count)
            return
        message = _encode(event)
        for reader in self._subscribers:
            reader.push(event.breaker, message)


class Subscriber:
    """One client, and what it has not read yet: `buffer` events; older ones give way.

    To be used in one event loop.
    """

    def __init__(self, buffer: int, breaker: str | None) -> None:
        self._breaker = breaker
        self._queue: deque[bytes] = deque(maxlen=buffer)
        self._dropped = 0
        self._ready = asyncio.Event()
        self._closed = False

    def push(self, breaker: str, message: bytes) -> None:
        """Takes in an event of that breaker."""
        if self._breaker in {None, breaker}:
            self._dropped += len(self._queue) == self._queue.maxlen
            self._queue.append(message)
            self._ready.set()

    def count_dropped(self, count: int) -> None:
        """Takes note of events that nobody has any more."""
        self._dropped += count
        self._ready.set()

    def close(self) -> None:
        """Ends the stream; what waits is still sent."""
        self._closed = True
        self._ready.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What to send: a greeting, then the events as they come, in pieces of several.

        After what was missed, an event of type `EventsMissed` says how much.
        """
        yield _GREETING
        while True:
            if chunk := self._next_chunk():
                yield chunk
            elif self._closed:
                return
            elif not await self._wait():
                yield KEEPALIVE_COMMENT

    def _next_chunk(self) -> bytes:
        missed, self._dropped = self._dropped, 0
        told = [_encode(_missed_event(missed))] if missed else []
        count = min(_MAX_BATCH, len(self._queue))
        return b"".join([*told, *(self._queue.popleft() for _ in range(count))])

    async def _wait(self) -> bool:
        """Whether there is something to send, within the time that a stream may be quiet."""
        self._ready.clear()
        try:
            async with asyncio.timeout(_KEEPALIVE_AFTER):
                return await self._ready.wait()
        except TimeoutError:
            return False


def _missed_event(count: int) -> EventsMissed:
    return EventsMissed(breaker="", at=time.time(), monotonic=time.monotonic(), count=count)


def _encode(event: Event) -> bytes:
    return format_sse_event(data_str=json.dumps(jsonable_encoder(event_data(event))))


def event_data(event: Event) -> dict[str, object]:
    """An event as data for JSON; `type` is the name of its class."""
    values = {field.name: _jsonable(getattr(event, field.name)) for field in fields(event)}
    return {"type": type(event).__name__, **values}


def _jsonable(value: object) -> object:
    match value:
        case Evidence():
            return _jsonable(report(value))
        case Enum():
            return value.value
        case float() if not math.isfinite(value):
            return None  # which JSON has no number for
        case dict():
            return {key: _jsonable(item) for key, item in value.items()}
        case tuple() | list():
            return [_jsonable(item) for item in value]
        case _:
            return value
