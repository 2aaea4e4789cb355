"""TCP proxy to a port of this machine: a network that a test can cut, silence or slow down."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: the connection is reset when it is closed."""
_CHUNK: Final = 65_536
_FILLING: Final = 4
"""Connections that fill a queue of length 0: the system then drops those of others."""


class TcpProxy:
    """Proxy on a thread of its own, at `port`. Thread-safe.

    Args:
        target: port that it passes connections on to.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._delay = 0.0
        self._cut = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._call(self._accept_connections())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Reset all connections, and each new one."""
        self._call(self._set_cut(True))
        try:
            yield
        finally:
            self._call(self._set_cut(False))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let nothing arrive: no data, no new connection, no end of one. It arrives afterwards."""
        with ExitStack() as stack:
            self._call(self._stop())
            stack.callback(lambda: self._call(self._go_on()))
            for _ in range(_FILLING):
                filling = stack.enter_context(socket.socket())
                filling.setblocking(False)
                filling.connect_ex(("127.0.0.1", self.port))
            yield

    @contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Let all data arrive that much later, in either direction."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    # --- on its thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, operation: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(operation, self._loop).result(30)

    async def _accept_connections(self) -> None:
        self._accepting = self._loop.create_task(self._accept())

    async def _accept(self) -> None:
        while True:
            near, _ = await self._loop.sock_accept(self._listener)
            carrying = self._loop.create_task(self._carry(near))
            self._carrying.add(carrying)
            carrying.add_done_callback(self._carrying.discard)

    async def _carry(self, near: socket.socket) -> None:
        """Pass one connection on until both sides have ended it."""
        client_in, client_out = await asyncio.open_connection(sock=near)
        try:
            server_in, server_out = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(client_out)
            return
        both = {client_out, server_out}
        self._writers |= both
        if self._cut:
            for each in both:
                _reset(each)
        try:
            await asyncio.gather(
                self._pipe(client_in, server_out), self._pipe(server_in, client_out)
            )
        finally:
            self._writers -= both
            for each in both:
                each.close()

    async def _pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pass on what `source` brings, and its end."""
        waiting = asyncio.Queue[tuple[float, bytes]]()
        writing = self._loop.create_task(self._write(waiting, target))
        try:
            with suppress(OSError):
                while data := await source.read(_CHUNK):
                    waiting.put_nowait((self._loop.time() + self._delay, data))
            waiting.put_nowait((self._loop.time() + self._delay, b""))
            await writing
        finally:
            writing.cancel()

    async def _write(
        self, waiting: asyncio.Queue[tuple[float, bytes]], target: asyncio.StreamWriter
    ) -> None:
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._passing.wait()
            if not data:
                target.close()
                return
            with suppress(OSError):
                target.write(data)
                await target.drain()

    async def _set_cut(self, cut: bool) -> None:
        self._cut = cut
        for writer in self._writers if cut else ():
            _reset(writer)

    async def _stop(self) -> None:
        self._passing.clear()
        await self._stop_accepting()
        self._listener.listen(0)

    async def _go_on(self) -> None:
        self._listener.listen(128)
        self._passing.set()
        await self._accept_connections()

    async def _stop_accepting(self) -> None:
        assert self._accepting is not None
        self._accepting.cancel()
        with suppress(asyncio.CancelledError):
            await self._accepting

    async def _end(self) -> None:
        await self._stop_accepting()
        for writer in self._writers:
            _reset(writer)
        for carrying in set(self._carrying):
            carrying.cancel()
            with suppress(asyncio.CancelledError):
                await carrying


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset a connection: what was to be sent is lost."""
    made: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
