"""Liveness locks: show which of the processes that share a database are alive.

Each process holds a lock on a file of its own. The system releases the lock when the process ends,
however it ends. So the lease of a killed process can be taken over at once, not only when it
expires.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from breakerd.breaker.fork import renew_after_fork


class LivenessLock:
    """Lock that one process holds as long as it lives. A forked child lets go of it at once.

    Args:
        path: the shared database; the lock files are beside it.
        process: id of this process.
    """

    def __init__(self, path: Path, process: str) -> None:
        self._path = path
        self._process = process
        self._descriptor: int | None = None
        renew_after_fork(self)

    def acquire(self) -> None:
        """Acquire this process's lock; no effect if it is held.

        Raises:
            OSError: the file cannot be created.
        """
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path_of(self._process), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Release this process's lock and delete its file."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path_of(self._process).unlink(missing_ok=True)
            self._close()

    def after_fork(self) -> None:
        """Close the child's copy of the lock: with it, a killed parent would look alive."""
        self._close()

    def is_dead(self, process: str) -> bool:
        """Return True if that process does not hold its lock any more; delete its lock file then.

        The process must have acquired its lock before its id became known.
        """
        path = self._path_of(process)
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _path_of(self, process: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{process}.lock")
