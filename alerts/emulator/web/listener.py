"""Listening socket of the emulator, and its connections."""

import contextlib
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

_DRAIN: Final = 5.0
"""Maximum seconds to wait for open connections to end."""


class Listener(socketserver.ThreadingTCPServer):
    """Serves each connection on a thread of its own, and closes them all when it stops.

    Args:
        host: loopback address.
        port: port to listen on; 0 for any free one.
        handler: serves a connection.
        refusing: returns True while connections are to be refused; called some times a second.

    Raises:
        ValueError: `host` is not a loopback address.
        OSError: the address is in use.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = 0.05

    def __init__(
        self,
        host: str,
        port: int,
        handler: type[BaseHTTPRequestHandler],
        refusing: Callable[[], bool] = lambda: False,
    ) -> None:
        address = _loopback(host)
        if address.version == 6:
            self.address_family = socket.AF_INET6
        self._refusing = refusing
        self._connections: dict[socket.socket, int] = {}
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._shut = False
        self._serving = False
        self._stopping = threading.Event()
        super().__init__((str(address), port), handler)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the socket."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Start serving, on a thread of its own."""
        self._serving = True
        self._thread = threading.Thread(target=self._serve, name="opsgenie-emulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept no more connections, and close the open ones."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                _end(connection)
            self._changed.wait_for(lambda: not self._connections, _DRAIN)

    def settle(self) -> None:
        """Wait until the socket accepts or refuses connections as required by now.

        If that closes connections, the calling thread's own stays open.
        """
        me = threading.get_ident()
        with self._changed:
            self._waiting.add(me)
            while self._serving and self._shut != self._refusing():
                self._changed.wait(self.timeout)
            self._waiting.discard(me)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Record the connection, and serve it."""
        with self._changed:
            self._connections[request] = 0
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Record the thread of the connection, and serve it."""
        with self._changed:
            self._connections[request] = threading.get_ident()
        super().process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.pop(request, None)
            self._changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """Do nothing: clients of tests may disconnect at any time."""

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._open_or_close()
            if self._shut:
                self._stopping.wait(self.timeout)
            else:
                self.handle_request()
        with self._changed:
            self._serving = False
            self._changed.notify_all()

    def _open_or_close(self) -> None:
        refusing = self._refusing()
        if refusing == self._shut:
            return
        with self._changed:
            if refusing:
                self._close_socket()
            else:
                self.server_activate()
            self._shut = refusing
            self._changed.notify_all()

    def _close_socket(self) -> None:
        """Close the socket, and bind a new one to its port, so that no other process gets it."""
        self.socket.close()
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        for connection, thread in self._connections.items():
            if thread not in self._waiting:
                _end(connection)


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise ValueError(
            f"host: found {host!r}, allowed is a loopback address such as 127.0.0.1, "
            "since the emulator's console needs no authentication"
        )
    return address


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        connection.shutdown(socket.SHUT_RDWR)
