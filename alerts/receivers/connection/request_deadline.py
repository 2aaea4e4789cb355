"""Deadline of one request as a whole.

httpx's own time-outs limit single reads and writes, so a receiver that sends one byte now and then
never times out. Here another thread shuts the connection down when the time is up, which ends the
pending read.

Source: https://www.python-httpx.org/advanced/extensions/#trace
"""

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class RequestDeadline:
    """Context manager around each request of one client; `trace` is its `trace` extension.

    For one thread, and one request at a time.

    Args:
        seconds: maximum duration of a request.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.passed = False
        """True if the current request exceeded the deadline."""

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the latest connection, encrypted or not; a client has one at a time."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._shut_down()

    def __enter__(self) -> None:
        self.passed = False
        self._timer = threading.Timer(self._seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def drop_connection(self) -> None:
        """Close this process's copy of the connection, which is another process's."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with suppress(OSError):
                # Detached, so that nobody who still has it closes a file of the same number.
                os.close(connection.detach())

    def _expire(self) -> None:
        self.passed = True
        self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # The TLS socket's own shutdown must not be called by a second thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
