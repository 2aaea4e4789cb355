"""How long one request may take in all.

httpx's own time-outs are of single reads and writes, so a receiver that sends a byte now and then
is never late. Here the connection is shut when the time is up, from another thread, which is what
ends a read.

Source: https://www.python-httpx.org/advanced/extensions/#trace
"""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Deadline:
    """A context manager around each request of one client; `watch` is its `trace` extension.

    For one thread, and one request at a time.

    Args:
        seconds: how long each may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(0, _nothing)
        self.passed = False
        """Whether the present request has taken too long."""

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Keeps the latest connection, encrypted or not; a client has one at a time."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._shut()

    def __enter__(self) -> None:
        self.passed = False
        self._timer = threading.Timer(self._seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # Not the TLS socket's own, which is not made for a second thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _nothing() -> None:
    """There is no request under way yet."""
