"""Network backend of httpcore that connects spare sockets when there are no file descriptors.

Source: https://www.encode.io/httpcore/network-backends/
"""

import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

from breakerd.alerts.receivers.connection.spare_sockets import SpareSockets, exhausted

_BACKEND: Final = "_network_backend"


class SpareBackend(httpcore.SyncBackend):
    """Connects as usual; without file descriptors, by a spare socket.

    Args:
        spares: the spare sockets.
    """

    def __init__(self, spares: SpareSockets) -> None:
        self._spares = spares

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Return a connection."""
        try:
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        except httpcore.ConnectError as error:
            ours = (host, port) == (self._spares.host, self._spares.port)
            spare = self._spares.take() if ours and exhausted(error) else None
            if spare is None:
                raise
        return _connect(*spare, timeout)


class SpareStream(httpcore.NetworkStream):
    """Connection by a spare socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return some bytes; none at the end."""
        with _mapped(httpcore.ReadTimeout, httpcore.ReadError):
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        with _mapped(httpcore.WriteTimeout, httpcore.WriteError):
            self._socket.settimeout(timeout)
            self._socket.sendall(buffer)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the connection, encrypted; it keeps its file descriptor."""
        with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
            self._socket.settimeout(timeout)
            return SpareStream(
                ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
            )

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks for."""
        match info:
            case "socket":
                return self._socket
            case "ssl_object":
                return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
            case "client_addr":
                return self._socket.getsockname()
            case "server_addr":
                return self._socket.getpeername()
            case "is_readable":
                poll = select.poll()
                poll.register(self._socket, select.POLLIN)
                return bool(poll.poll(0))
            case _:
                return None


def use_spares(client: httpx.Client, spares: SpareSockets) -> bool:
    """Have `client` connect by `spares` if need be; return False if it cannot.

    httpx has no public way to set the backend of a transport that it makes itself, which is the one
    that follows the proxies of the environment.
    """
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001 - see above
    pools = [getattr(transport, "_pool", None) for transport in transports if transport]
    found = [pool for pool in pools if hasattr(pool, _BACKEND)]
    for pool in found:
        setattr(pool, _BACKEND, SpareBackend(spares))
    return len(found) == len(pools)


def _connect(spare: socket.socket, address: Any, timeout: float | None) -> SpareStream:
    with _mapped(httpcore.ConnectTimeout, httpcore.ConnectError):
        try:
            spare.settimeout(timeout)
            spare.connect(address)
            spare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            spare.close()
            raise
    return SpareStream(spare)


@contextmanager
def _mapped(timeout: type[Exception], other: type[Exception]) -> Iterator[None]:
    """Raise httpcore's errors in place of the system's."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(error) from error
    except OSError as error:
        raise other(error) from error
