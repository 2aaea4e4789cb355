"""The right to send: of all processes that share a file, one has it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from breakerd.alerts.storage.store import Store
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_SPARE: Final = 5.0
"""Seconds that a lease lasts beyond the longest request."""
_LEAST: Final = 2.0
"""It is prolonged when it would outlast the longest request by less, in seconds."""


class Lease:
    """One process's claim to send, for a few seconds at a time.

    A process that is killed loses it at once, since the system tells (see `LivenessLock`); one that
    hangs or is suspended, when it runs out. It lasts longer than a request may, so that whoever
    begins one has it until the answer is there.

    Where the file cannot be asked, everyone sends what it sees itself: told twice is better than
    not told.

    Args:
        store: the file that they share.
        clock: seconds, the same for all processes of the machine.
        boot: which start of the machine `clock` counts from.
    """

    def __init__(self, store: Store, clock: Callable[[], float], boot: str) -> None:
        self.held = False
        """Whether this process sends."""
        self.standalone = False
        """Whether it does so because the file cannot be asked."""
        self.term = 0
        """Grows each time that another process begins to send; what is known from an earlier term
        is out of date."""
        self.boot = boot
        self.clock = clock
        self._store = store
        self._until = float("-inf")

    def renew(self, request_timeout: float) -> bool:
        """Takes or prolongs it, if nobody else has it; says whether this process sends.

        Args:
            request_timeout: the longest that a request takes, in seconds.
        """
        accepted_at, length = self.clock(), request_timeout + _SPARE
        if (
            self.held
            and not self.standalone
            and self._until - accepted_at > request_timeout + _LEAST
        ):
            return True
        term = self._store.acquire_lease(self.boot, accepted_at, length)
        if term is None and self.held and not self.standalone and accepted_at < self._until:
            # Busy for a moment, perhaps; nobody else can have it yet.
            return True
        before = self.held
        self.standalone, self.held = term is None, term != 0
        if term:
            self.term, self._until = term, accepted_at + length
        if self.held != before:
            _log.info("this process sends alerts" if self.held else "another process sends alerts")
        return self.held

    @property
    def valid(self) -> bool:
        """Whether no other process can be sending now."""
        return self.held and (self.standalone or self.clock() < self._until)

    def release(self) -> None:
        """Gives it to whoever wants it."""
        self._store.release()
        self.held = False


def boot_id() -> str:
    """Which start of the machine this is; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
