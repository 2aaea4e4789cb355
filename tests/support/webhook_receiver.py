"""HTTP server on loopback that records the alerts it receives, for tests."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Received:
    """Recorded request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """Response: `drips` is sent one byte now and then, `raw` replaces the whole response."""

    status: int = 200
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    drips: bytes = b""


class RecordingServer:
    """Server as a context manager. Responses come from `replies`, then from `answer`.

    With `tls`, it accepts only requests to an https:// address.
    """

    def __init__(
        self,
        answer: Callable[[Received], Reply] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self.replies: list[Reply] = []
        self.answer = answer or (lambda _request: Reply())
        self.closing = threading.Event()
        self._received = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def wait_for(self, count: int, timeout: float = 30.0) -> bool:
        """Wait until `count` requests have arrived; return False if the time-out elapsed."""
        with self._received:
            return self._received.wait_for(lambda: len(self.requests) >= count, timeout)

    def reply(self, request: Received) -> Reply:
        with self._received:
            self.requests.append(request)
            self._received.notify_all()
        return self.replies.pop(0) if self.replies else self.answer(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    recorder: RecordingServer
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(target.query))
        request = Received(self.command, target.path, query, headers, body)
        self._send(self.server.recorder.reply(request))

    do_GET = do_PATCH = do_PUT = do_DELETE = do_POST  # noqa: N815 - http.server's names

    def log_message(self, *args: object) -> None:
        """Do nothing: tests read the recorded requests."""

    def _send(self, reply: Reply) -> None:
        if reply.raw is not None:
            self.close_connection = True
            self.wfile.write(reply.raw)
            self._drip(reply.drips)
            return
        body = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        content = body.encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _drip(self, drop: bytes) -> None:
        """Send one byte again and again, until the other side closes the connection."""
        while drop and not self.server.recorder.closing.wait(0.02):
            try:
                self.wfile.write(drop)
            except OSError:
                return
