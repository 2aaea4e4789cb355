from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET
from struct import pack

import pytest

from breakerd import Breaker, Settings


class Origin:
    """A real server on loopback; `/hang` answers, and `/hang-body` goes on, when it is closed."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.closing = threading.Event()
        origin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                origin.requests.append(self.path)
                origin.answer(self)

            do_HEAD = do_GET  # noqa: N815 - as `http.server` wants it

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        if path == "/hang":
            self.closing.wait()
            return
        if path == "/reset":
            # Closing with nothing to linger for resets the connection.
            request.connection.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            request.connection.close()
            return
        if path == "/badly-encoded":
            request.send_response(200)
            request.send_header("Content-Encoding", "gzip")
            request.send_header("Content-Length", "2")
            request.end_headers()
            request.wfile.write(b"ok")
            return
        request.send_response({"/fail": 503, "/refuse": 404, "/away": 302}.get(path, 200))
        if path == "/away":
            request.send_header("Location", "/fail")
        # The cut body is shorter than was said.
        request.send_header("Content-Length", "4" if path in {"/cut", "/hang-body"} else "2")
        request.end_headers()
        if request.command == "HEAD":
            return
        request.wfile.write(b"ok")
        if path == "/hang-body":
            request.wfile.flush()
            self.closing.wait()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def breaker() -> Breaker:
    """A breaker on real time, since sockets know no other, that errors do not open."""
    return Breaker(Settings(wait_time=3600), memory=lambda: None)


def abandoned(breaker: Breaker) -> int:
    """Return the number of abandoned calls; none was anything else."""
    assert totals(breaker) == (0, 0, 0)
    return breaker.counters().abandoned


def totals(breaker: Breaker) -> tuple[int, int, int]:
    counters = breaker.counters()
    return counters.success, counters.error, counters.in_flight
