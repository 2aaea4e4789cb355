"""The emulator's listening socket, and the connections that come in through it."""

import contextlib
import ipaddress
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

_DRAIN: Final = 5.0
"""Seconds that open connections have to end."""


class Listener(socketserver.ThreadingTCPServer):
    """Serves each connection on a thread of its own, and ends them all when it stops.

    Raises:
        ValueError: `host` is not a loopback address.
        OSError: the address is in use.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        address = _loopback(host)
        if address.version == 6:
            self.address_family = socket.AF_INET6
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((str(address), port), handler)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Serves, on a thread of its own."""
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="opsgenie-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Takes no more connections, and ends those that are open."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                _end(connection)
            self._changed.wait_for(lambda: not self._connections, _DRAIN)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - its parent's
        """Notes the connection, and serves it."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - its parent's
        """Closes a connection, and forgets it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that goes away is a thing that tests do."""


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"host: found {host!r}, allowed is a loopback address such as 127.0.0.1, "
            "since the emulator lets in whoever reaches it"
        )
    return address


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself
        connection.shutdown(socket.SHUT_RDWR)
