"""Limits on what connections wait for, on a driven clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from breakerd.api.descriptor_limit import max_connections
from breakerd.api.http.connections import Connections, GuardedConnection, Phase, connection_class
from breakerd.breaker.testing import ManualClock

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


class Transport(asyncio.Transport):
    """Transport of a connection, whose client is the test."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False
        self.ending = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.aborted = self.ending = True

    def close(self) -> None:
        self.ending = True

    def is_closing(self) -> bool:
        return self.ending

    def pause_reading(self) -> None:
        """Do nothing: the test knows when it may send."""

    resume_reading = pause_reading


class Plane:
    """Connections to an application that reads a body and answers, or streams."""

    def __init__(self, limit: int) -> None:
        self.clock = ManualClock()
        self.connections = Connections(limit, self.clock)
        self.config = uvicorn.Config(
            self.app,
            http=connection_class(self.connections),
            interface="asgi3",
            log_config=None,
            lifespan="off",
        )
        self.config.load()
        self.state = ServerState()
        self.answered = asyncio.Event()

    async def app(self, _scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        self.answered.set()

    def connect(self) -> tuple[GuardedConnection, Transport]:
        made = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.state, app_state={}
        )
        assert isinstance(made, GuardedConnection)
        transport = Transport()
        made.connection_made(transport)
        return made, transport

    def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.connections.sweep()


@pytest.fixture
async def plane() -> AsyncIterator[Plane]:
    made = Plane(limit=3)
    yield made
    for task in list(made.state.tasks):
        task.cancel()


async def served(plane: Plane) -> None:
    """Wait until the application has answered one request."""
    await plane.answered.wait()
    plane.answered.clear()


async def test_a_head_that_drips_is_given_up(plane: Plane) -> None:
    connection, transport = plane.connect()
    for byte in HEAD[:10]:
        connection.data_received(bytes([byte]))
        plane.after(1)
        assert not transport.aborted
    plane.after(0.1)
    assert transport.aborted
    assert plane.connections.closed == 1


async def test_a_body_that_drips_is_given_up(plane: Plane) -> None:
    connection, transport = plane.connect()
    plane.after(9)
    connection.data_received(HEAD)
    for _ in range(9):
        connection.data_received(b"x")
        plane.after(1)
    assert not transport.aborted, "a new time begins with the body"
    plane.after(1.1)
    assert transport.aborted


async def test_a_client_that_asks_again_and_again_stays(plane: Plane) -> None:
    connection, transport = plane.connect()
    for _ in range(10):
        plane.after(4)
        connection.data_received(HEAD)
        connection.data_received(b"x" * 10)
        await served(plane)
    assert transport.written.count(b"200 OK") == 10
    assert not transport.aborted
    plane.after(11)
    assert transport.aborted, "where uvicorn's own limit of idle ones should fail"


async def test_an_application_may_take_its_time(plane: Plane) -> None:
    answer = asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        await answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        plane.answered.set()

    plane.config.loaded_app = slow
    connection, transport = plane.connect()
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    plane.after(3600)
    answer.set()
    await served(plane)
    plane.after(9)
    assert not transport.aborted, "the time for the next head begins with the end of the answer"


async def test_a_client_that_reads_nothing_is_given_up(plane: Plane) -> None:
    connection, transport = plane.connect()
    connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.pause_writing()
    plane.after(19)
    connection.resume_writing()
    connection.pause_writing()
    plane.after(19)
    assert not transport.aborted
    plane.after(2)
    assert transport.aborted


async def test_a_close_that_is_not_read_is_given_up(plane: Plane) -> None:
    connection, transport = plane.connect()
    connection.data_received(b"nonsense\r\n\r\n")
    assert transport.ending, "answered with 400"
    plane.after(1)
    plane.after(11)
    assert transport.aborted


async def test_too_many_push_out_the_one_that_waited_longest(plane: Plane) -> None:
    first = plane.connect()[1]
    plane.after(1)
    answering, kept = plane.connect()
    answering.data_received(HEAD)
    plane.after(1)
    second = plane.connect()[1]
    plane.after(1)
    fourth, newest = plane.connect()
    assert [each.aborted for each in (first, kept, second, newest)] == [True, False, False, False]
    fourth.data_received(HEAD + b"x" * 10)
    await served(plane)
    assert b"200 OK" in newest.written


async def test_while_all_are_served_a_new_one_is_refused(plane: Plane) -> None:
    plane.config.loaded_app = lambda *_: asyncio.Event().wait()
    served = [plane.connect() for _ in range(3)]
    for connection, _ in served:
        connection.data_received(HEAD + b"x" * 10)
    late = plane.connect()[1]
    assert late.aborted
    assert not any(transport.aborted for _, transport in served)
    served[0][0].connection_lost(None)
    assert not plane.connect()[1].aborted


@pytest.mark.parametrize(("descriptors", "limit"), [(20_000, 1000), (1024, 624), (64, 16)])
def test_connections_leave_descriptors_for_the_rest(descriptors: int, limit: int) -> None:
    assert max_connections(descriptors) == limit


def test_no_phase_but_serving_is_without_end() -> None:
    assert [phase for phase in Phase if phase.value[1] is None] == [Phase.SERVING]
