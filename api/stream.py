"""Events for whoever follows them over HTTP: as data, to a bounded number of readers."""

from contextlib import asynccontextmanager
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING

from api.problems import Problem
from breaker.events import Event, Evidence
from breaker.status import report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from breaker import Registry
    from breaker.stream import EventStream


class EventFeed:
    """The event streams that are open. To be used in one event loop."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self._open: list[EventStream] = []
        self._closed = False

    @asynccontextmanager
    async def follow(self, *, limit: int, buffer: int) -> "AsyncIterator[EventStream]":
        """A stream of all events from now on.

        Raises:
            Problem: 503, when `limit` streams are open already, or the service is stopping.
        """
        if self._closed or len(self._open) >= limit:
            why = "The service is stopping." if self._closed else f"{limit} clients follow already."
            raise Problem(503, why, headers={"Retry-After": "5"})
        stream = self._registry.events(buffer)
        self._open.append(stream)
        try:
            yield stream
        finally:
            self._open.remove(stream)
            await stream.aclose()

    async def close(self) -> None:
        """Ends all streams, so that their readers' connections can end."""
        self._closed = True
        for stream in list(self._open):
            await stream.aclose()


def event_data(event: Event) -> dict[str, object]:
    """An event as JSON-able data; `type` is the name of its class."""
    values = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    return {"type": type(event).__name__, **values}


def _plain(value: object) -> object:
    match value:
        case Evidence():
            return report(value)
        case Enum():
            return value.value
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case _:
            return value
