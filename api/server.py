"""uvicorn's server, adapted: it announces itself, reloads on SIGHUP, and ends event streams."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from breakerd.breaker.errors import ConfigConflictError
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from breakerd.api.http.admin import AdminContext

_log = get_logger(__name__)

_SHUTDOWN_GRACE: Final = 5
"""Seconds that requests in progress may take to finish when the service stops."""


class AdminServer(uvicorn.Server):
    """Serve the admin plane.

    Return to the caller after SIGTERM or SIGINT; uvicorn's own server would end by the signal.

    Args:
        app: the application to serve; made by `create_app`.
        announce: called in the event loop once the server listens.
    """

    def __init__(self, app: "FastAPI", announce: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_GRACE,
        )
        super().__init__(config)
        self._admin: AdminContext = app.state.admin
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, install the SIGHUP handler, and announce."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, self._reload)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams first, because they never finish by themselves; then stop."""
        self._admin.stopping = True
        await self._admin.feed.close()
        await super().shutdown(sockets)

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
        _log.info("stopping", signal=signal.Signals(number).name)
        self.handle_exit(number, frame)

    def _reload(self) -> None:
        config = self._admin.registry.config
        if config is None:
            return
        try:
            config.reload()
        except ConfigConflictError as error:
            _log.warning("reload failed", problem=str(error))
