"""Presence: whether another process of the host has the same configuration file in use."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.storage.small_file import create_file


class Presence:
    """Lock that all processes hold together as long as they run. Not thread-safe.

    The system releases it when a process ends, however it ends. A forked child lets go of it.

    Args:
        path: file of the lock; created if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        renew_after_fork(self)

    def enter(self) -> bool:
        """Begin to be present; return True if nobody else is.

        Raises:
            OSError: the file cannot be created or locked.
        """
        if self._descriptor is not None:
            return False
        create_file(self._path)
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            alone = _try_alone(descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return alone

    def leave(self) -> None:
        """Be present no more; no effect if that is so already."""
        if self._descriptor is not None:
            with suppress(OSError):
                # Not only closed: a child may be just being forked, with the file open.
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.after_fork()

    def after_fork(self) -> None:
        """Close the child's copy of the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _try_alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
