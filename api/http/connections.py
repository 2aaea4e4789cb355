"""Connections of the service: none may wait for its client forever, and their number is bounded.

uvicorn closes a connection that is idle between two requests. It waits without end for the rest of
a head or of a body, and for a client that reads no response. Each such connection holds a file
descriptor, of which alerting needs some too.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class Phase(Enum):
    """Awaited part of an exchange; the value is the maximum number of seconds, None for any."""

    HEAD = ("the head of a request", 10.0)
    BODY = ("the body of a request", 10.0)
    SERVING = ("the application", None)
    WRITING = ("the client to read", 20.0)
    CLOSING = ("the client to read the end", 10.0)


class Connections:
    """Connections of one server. To be used in one event loop.

    Args:
        limit: maximum number of connections. Beyond it, the one that has waited longest for the
            rest of a request is closed; if there is none, the new one.
        now: returns seconds; the event loop's clock.
    """

    def __init__(self, limit: int, now: Callable[[], float]) -> None:
        self.closed = 0
        """Number of connections closed because they waited too long, or were too many."""
        self._limit = limit
        self._now = now
        self._all: set[GuardedConnection] = set()
        self._waiting: dict[GuardedConnection, None] = {}
        """Those that wait for the rest of a request, the longest first."""
        self._reported = 0

    def add(self, connection: "GuardedConnection") -> None:
        """Count a new connection; close another one, or it, if there are too many."""
        self._all.add(connection)
        self.note(connection)
        if len(self._all) > self._limit:
            self._close(next(iter(self._waiting)))

    def remove(self, connection: "GuardedConnection") -> None:
        """Forget a connection that has ended."""
        self._all.discard(connection)
        self._waiting.pop(connection, None)

    def note(self, connection: "GuardedConnection") -> None:
        """Keep what a connection waits for, and since when."""
        if connection.update(self._now()) and connection in self._all:
            self._waiting.pop(connection, None)
            if connection.phase in {Phase.HEAD, Phase.BODY}:
                self._waiting[connection] = None

    def sweep(self) -> None:
        """Close the connections that have waited too long. To be called every second or so."""
        now = self._now()
        for connection in list(self._all):
            self.note(connection)
            longest = connection.phase.value[1]
            if longest is not None and now - connection.since > longest:
                self._close(connection)
        if self.closed != self._reported:
            _log.warning("connections closed", count=self.closed - self._reported)
            self._reported = self.closed

    def close_all(self) -> None:
        """Close all connections at once."""
        for connection in list(self._all):
            self._close(connection)
        self._reported = self.closed

    def _close(self, connection: "GuardedConnection") -> None:
        self.closed += 1
        self.remove(connection)
        connection.transport.abort()


class GuardedConnection(H11Protocol):
    """HTTP/1.1 connection that notes what it waits for."""

    group: Connections
    """Connections of its server; set by `connection_class`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.phase = Phase.HEAD
        """Part that the connection waits for."""
        self.since = 0.0
        """When it began to wait for that, in seconds of the event loop's clock."""
        self._seen: object = None
        self._write_paused = False

    def update(self, now: float) -> bool:
        """Set `phase` and `since`; return True if it waits for something else than before."""
        self.phase = self._current_phase()
        # The next request is something else, even if its head is waited for as well.
        seen = (self.phase, self.cycle)
        changed, self._seen = seen != self._seen, seen
        if changed:
            self.since = now
        return changed

    def _current_phase(self) -> Phase:
        if self.transport.is_closing():
            return Phase.CLOSING
        if self._write_paused:
            return Phase.WRITING
        state = self.conn.their_state
        if state is h11.IDLE:
            return Phase.HEAD
        return Phase.BODY if state is h11.SEND_BODY else Phase.SERVING

    # --- what uvicorn and the event loop call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self.group.add(self)

    def data_received(self, data: bytes) -> None:
        """Take some bytes; single ones do not prolong the time for the whole."""
        super().data_received(data)
        self.group.note(self)

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        super().on_response_complete()
        self.group.note(self)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._write_paused = True
        self.group.note(self)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._write_paused = False
        self.group.note(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.group.remove(self)
        super().connection_lost(exc)


def connection_class(connections: Connections) -> type[GuardedConnection]:
    """Return the protocol class of a server whose connections are `connections`."""

    class OfServer(GuardedConnection):
        group = connections

    return OfServer


HEAD_LIMIT: Final = 32 * 1024
"""Maximum size of a request's head in bytes."""
