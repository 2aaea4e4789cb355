"""Handles one HTTP connection to the emulator."""

import re
import selectors
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from uuid import uuid4

from breakerd.alerts.emulator.api.messages import Request, Response, refused

MAX_BODY: Final = 1_000_000
"""Maximum number of bytes of a body."""

_POLL_INTERVAL: Final = 0.1
"""Seconds between two checks that a waiting client is still connected."""

Exchange = Callable[[Request], Response | None]
"""Returns the response to a request; None closes the connection without one."""


def handler_for(exchange: Exchange, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that passes requests to `exchange`.

    Args:
        exchange: returns the response; called from many threads.
        stopping: once set, no response is sent, not even a delayed one.
    """

    class Bound(_Handler):
        exchange_request = staticmethod(exchange)
        stop_event = stopping

    return Bound


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "OpsGenieEmulator"
    sys_version = ""
    timeout = 60
    # Buffered and flushed at once: head and body in two packets cost 40 ms a request.
    wbufsize = -1
    disable_nagle_algorithm = True

    exchange_request: Exchange
    stop_event: threading.Event

    def do_GET(self) -> None:
        """Serve one request."""
        raw = self._read_body()
        if raw is None:
            return
        request = Request.parse(self.command, self.path, dict(self.headers.items()), raw)
        response = self.exchange_request(request)
        if response is None or not self._hold(response.late):
            self.close_connection = True
            return
        self._send(response)

    # The names are http.server's.
    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Do nothing: the request log holds every request."""

    def _hold(self, seconds: float) -> bool:
        """Wait; return False if the client disconnects meanwhile, or the emulator stops."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stop_event.wait(min(left, _POLL_INTERVAL)) or self._is_gone():
                return False
        return not self.stop_event.is_set()

    def _is_gone(self) -> bool:
        """True if the client has closed the connection."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if not selector.select(0):
                return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _read_body(self) -> bytes | None:
        """Return the body; None if it cannot be read, after sending an error response."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._hang_up(411, "Content-Length is needed")
        elif not re.fullmatch("[0-9]{1,18}", length):
            self._hang_up(400, f"Content-Length {length!r} is not a number")
        elif int(length) > MAX_BODY:
            self._hang_up(413, f"{length} bytes are more than {MAX_BODY}")
        else:
            raw = self.rfile.read(int(length))
            if len(raw) == int(length):
                return raw
            self.close_connection = True  # the client disconnected in the middle
        return None

    def _hang_up(self, status: int, message: str) -> None:
        self.close_connection = True
        self._send(refused(status, message, {"Connection": "close"}))

    def _send(self, response: Response) -> None:
        content = response.encoded()
        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(len(content)),
            "X-RateLimit-State": "OK",
            "X-Request-ID": _request_id(response),
            "X-Response-Time": "0.001",
        }
        self.send_response(response.status)
        for name, value in (headers | response.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _request_id(response: Response) -> str:
    if isinstance(response.content, dict) and "requestId" in response.content:
        return str(response.content["requestId"])
    return str(uuid4())
