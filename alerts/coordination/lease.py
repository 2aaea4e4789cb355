"""Lease: of all processes that share a database, the holder is the leader and sends."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from breakerd.alerts.storage.store import Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_MARGIN: Final = 5.0
"""Seconds that a new lease lasts beyond the longest request."""
_MIN_MARGIN: Final = 2.0
"""Seconds beyond the longest request below which a lease is renewed."""


class Lease:
    """Lease of one process, for a few seconds at a time. Only `valid` is thread-safe.

    A process that is killed loses it at once (see `LivenessLock`). One that hangs or is suspended
    loses it when it expires. It lasts longer than a request may, so a process that begins a request
    holds it until the response.

    If the database cannot be read or written, every process sends what it observes itself: two
    alerts are better than none.

    Args:
        store: the shared database.
        clock: returns seconds, the same for all processes of the machine.
        boot: id of the boot of the machine that `clock` counts from.
    """

    def __init__(self, store: Store, clock: Callable[[], float], boot: str) -> None:
        self.held = False
        """True if this process is the leader."""
        self.standalone = False
        """True if it is the leader only because the database cannot be used."""
        self.term = 0
        """Number that grows when the leader changes; data of an earlier term is out of date."""
        self.boot = boot
        self.clock = clock
        self._store = store
        self._expires_at = float("-inf")

    def renew(self, request_timeout: float) -> bool:
        """Acquire or renew it unless another process holds it; return True if this one does.

        Args:
            request_timeout: maximum seconds of a request.
        """
        asked_at, length = self.clock(), self.length(request_timeout)
        if (
            self.held
            and not self.standalone
            and self._expires_at - asked_at > request_timeout + _MIN_MARGIN
        ):
            return True
        term = self._store.acquire_lease(self.boot, asked_at, length)
        if term is None and self.held and not self.standalone and asked_at < self._expires_at:
            # The database may be busy for a moment; no other process can hold the lease yet.
            return True
        before = self.held
        self.standalone, self.held = term is None, term != 0
        if term:
            self.term, self._expires_at = term, asked_at + length
        if self.held != before:
            _log.info("this process sends alerts" if self.held else "another process sends alerts")
        return self.held

    @staticmethod
    def length(request_timeout: float) -> float:
        """Return the seconds that a lease lasts, for requests of at most `request_timeout`."""
        return request_timeout + _MARGIN

    def take_over(self, term: int, expires_at: float) -> None:
        """Hold a lease that was acquired in another database, until `expires_at` of the clock."""
        self.held, self.standalone = True, False
        self.term, self._expires_at = term, expires_at

    @property
    def valid(self) -> bool:
        """True if no other process can be the leader now."""
        return self.held and (self.standalone or self.clock() < self._expires_at)

    def release(self) -> None:
        """Release it for other processes."""
        self._store.release()
        self.held = False


def boot_id() -> str:
    """Return the id of the present boot of the machine; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
