"""The emulator's side of one HTTP connection."""

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

BODY_LIMIT: Final = 1_000_000
"""Bytes."""

_GLANCE: Final = 0.1
"""Seconds between two looks at whether a client that has to wait is still there."""

Exchange = Callable[[Request], Response | None]
"""Answers a request; None ends the connection without an answer."""


def handler_for(exchange: Exchange, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    """A class of handlers which pass requests to `exchange`.

    Args:
        exchange: who answers. It is called from many threads.
        stopping: once it is set, no answer goes out, not even one that is held back.
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
        """Serves a request."""
        raw = self._read_body()
        if raw is None:
            return
        request = Request.parse(self.command, self.path, dict(self.headers.items()), raw)
        answer = self.exchange_request(request)
        if answer is None or not self._hold(answer.late):
            self.close_connection = True
            return
        self._send(answer)

    # The names are http.server's.
    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Says nothing: the journal holds every request."""

    def _hold(self, seconds: float) -> bool:
        """Waits; False if the client went away meanwhile, or the emulator stops."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stop_event.wait(min(left, _GLANCE)) or self._is_gone():
                return False
        return not self.stop_event.is_set()

    def _is_gone(self) -> bool:
        """Whether the client has ended the connection."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if not selector.select(0):
                return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _read_body(self) -> bytes | None:
        """The body; None if it could not be read, which has been answered then."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._hang_up(411, "Content-Length is needed")
        elif not re.fullmatch("[0-9]{1,18}", length):
            self._hang_up(400, f"Content-Length {length!r} is not a number")
        elif int(length) > BODY_LIMIT:
            self._hang_up(413, f"{length} bytes are more than {BODY_LIMIT}")
        else:
            raw = self.rfile.read(int(length))
            if len(raw) == int(length):
                return raw
            self.close_connection = True  # the client went away in the middle
        return None

    def _hang_up(self, status: int, message: str) -> None:
        self.close_connection = True
        self._send(refused(status, message, {"Connection": "close"}))

    def _send(self, answer: Response) -> None:
        content = answer.encoded()
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(content)),
            "X-RateLimit-State": "OK",
            "X-Request-ID": _request_id(answer),
            "X-Response-Time": "0.001",
        }
        self.send_response(answer.status)
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _request_id(answer: Response) -> str:
    if isinstance(answer.content, dict) and "requestId" in answer.content:
        return str(answer.content["requestId"])
    return str(uuid4())
