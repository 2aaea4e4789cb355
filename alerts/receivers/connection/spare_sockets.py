"""Spare sockets: kept open, so that a connection needs no new file descriptor.

A server in the same process may use up all descriptors: whoever opens connections and sends nothing
makes it do so. What is set free is taken at once by the next of them. So a socket that exists
already is the only one that is sure to be there when a page has to leave.
"""

import encodings.idna
import errno
import ipaddress
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

Address = tuple[socket.AddressFamily, Any]
"""Family and address, as `socket.getaddrinfo` returns them."""

_COUNT: Final = 4
"""Sockets that are kept: those of a whole incident, which is opened, escalated and closed."""
_REFILL_INTERVAL: Final = 1.0
"""Seconds between two attempts to replace the sockets that were used."""
_LOOKUP_INTERVAL: Final = 600.0
"""Seconds between two lookups of the addresses, as names may move."""


_PRELOADED: Final = (encodings.idna,)
"""Modules that a lookup loads on first use, which fails when no file descriptor is left."""
_EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE}


class SpareSockets:
    """Sockets for one host and port, and its addresses. Thread-safe.

    A thread looks the addresses up and replaces used sockets, until `close`.

    Args:
        host: name or address of the host.
        port: its port.
        look_up: returns the addresses; raises OSError.
    """

    def __init__(
        self,
        host: str,
        port: int,
        look_up: Callable[[str, int], Sequence[Address]] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._look_up = look_up or _addresses
        self._known: list[Address] = []
        # As plain descriptors: a socket that is not closed warns when it is forgotten.
        self._free: list[int] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._finalizer = weakref.finalize(self, _close_all, self._free)

    def start(self) -> None:
        """Start the thread; the first sockets are there at once if the host is an address."""
        if _is_address(self.host):
            self.refill()
        threading.Thread(
            target=self._keep, name=f"breakerd-spares-{self.host}", daemon=True
        ).start()

    def close(self) -> None:
        """Close the sockets, and end the thread."""
        with self._lock:
            self._closed.set()
            self._finalizer()

    def drop(self) -> None:
        """Close this process's copies of another process's sockets. Takes no lock."""
        self._finalizer()

    def take(self) -> tuple[socket.socket, Any] | None:
        """Return a socket and the address to connect it to; None if there is none."""
        with self._lock:
            known = self._known
            if not self._free or not known:
                return None
            made = socket.socket(fileno=self._free.pop(0))
        for family, address in known:
            if family == made.family:
                return made, address
        made.close()
        return None

    def refill(self) -> None:
        """Look the addresses up if they are unknown, and open the sockets that are missing."""
        if not self._known:
            self._refresh()
        with self._lock:
            while self._known and len(self._free) < _COUNT and not self._closed.is_set():
                try:
                    self._free.append(socket.socket(self._known[0][0]).detach())
                except OSError:
                    return

    def _refresh(self) -> None:
        # Without descriptors nothing can be looked up, and what was known still holds.
        with suppress(OSError, UnicodeError):
            if found := list(self._look_up(self.host, self.port)):
                self._known = found

    def _keep(self) -> None:
        look_up_at = 0.0
        while not self._closed.wait(_REFILL_INTERVAL):
            if time.monotonic() >= look_up_at:
                self._refresh()
                look_up_at = time.monotonic() + _LOOKUP_INTERVAL
            self.refill()


def exhausted(error: BaseException) -> bool:
    """Return True if `error` came because there was no file descriptor left.

    A failed lookup does not tell, so one is asked for.
    """
    cause = error.__cause__
    if isinstance(cause, OSError) and cause.errno in _EXHAUSTED:
        return True
    try:
        os.close(os.dup(2))
    except OSError as failure:
        return failure.errno in _EXHAUSTED  # without a standard error, it fails as well
    return False


def _addresses(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        with suppress(OSError):
            os.close(descriptors.pop())
