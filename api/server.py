"""uvicorn's server, adapted: bounded connections, reloads on SIGHUP, an end whatever hangs."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from breakerd.api.descriptor_limit import max_connections, raise_descriptor_limit
from breakerd.api.http.connections import HEAD_LIMIT, Connections, connection_class
from breakerd.api.process_signals import admit_reloads, hold_reloads
from breakerd.breaker.errors import ConfigConflictError
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from breakerd.api.http.admin import AdminContext

_log = get_logger(__name__)

_SHUTDOWN_GRACE: Final = 5
"""Seconds that requests in progress may take to finish when the service stops."""
_CANCEL_GRACE: Final = 1.0
"""Seconds that cancelled requests may take to end after that."""
_BACKLOG: Final = 128
"""Connections that the event loop accepts at once, before the first of them is counted."""
_TICKS_PER_SWEEP: Final = 10
"""Ticks of uvicorn's main loop, of 0.1 s each, between two looks at the connections."""


class AdminServer(uvicorn.Server):
    """Serve the admin plane.

    Return to the caller after SIGTERM or SIGINT; uvicorn's own server would end by the signal.

    Args:
        app: the application to serve; made by `create_app`.
        announce: called in the event loop once the server listens.
        on_stop: called in a signal handler when the server is told to stop; it must not log.
    """

    def __init__(
        self, app: "FastAPI", announce: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        self._connections = Connections(max_connections(raise_descriptor_limit()), time.monotonic)
        config = uvicorn.Config(
            app,
            http=connection_class(self._connections),
            h11_max_incomplete_event_size=HEAD_LIMIT,
            backlog=_BACKLOG,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_GRACE,
        )
        super().__init__(config)
        self._admin: AdminContext = app.state.admin
        self._announce = announce
        self._on_stop = on_stop
        self._stop_signal = "the end of the main loop"
        self._reload_wanted = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, install the SIGHUP handler, and announce."""
        await super().startup(sockets)
        # A thread of its own, because a slow disk must stop neither requests nor the end.
        threading.Thread(target=self._reload, name="breakerd-reload", daemon=True).start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_wanted.set)
        admit_reloads()
        self._announce()

    async def on_tick(self, counter: int) -> bool:
        """Do what uvicorn does ten times a second; look after the connections once a second."""
        if counter % _TICKS_PER_SWEEP == 0:
            self._connections.sweep()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams first, because they never finish by themselves; then stop."""
        hold_reloads()
        _log.info("stopping", signal=self._stop_signal)
        self._admin.stopping = True
        await self._admin.feed.close()
        await super().shutdown(sockets)
        self._connections.close_all()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and restore the previous handlers afterwards."""
        before = {
            number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: "FrameType | None") -> None:
        # Nothing is logged here: the handler may interrupt its own thread while that logs.
        self._stop_signal = signal.Signals(number).name
        self._on_stop()
        self.handle_exit(number, frame)

    def _reload(self) -> None:
        """Reload whenever SIGHUP came; several in quick succession are one."""
        while True:
            self._reload_wanted.wait()
            self._reload_wanted.clear()
            try:
                if self._admin.registry.config is not None:
                    self._admin.registry.config.reload()
            except ConfigConflictError as error:
                _log.warning("reload failed", problem=str(error))
            except Exception:  # noqa: BLE001 - the next SIGHUP must work
                _log.exception("reload failed")


def run_until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Run a server in an event loop; return a second after it ends, even if requests hang.

    `asyncio.run` would wait for ever for a request whose thread hangs.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(serving)
    finally:
        if left := asyncio.all_tasks(loop):
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=_CANCEL_GRACE))
        loop.close()
