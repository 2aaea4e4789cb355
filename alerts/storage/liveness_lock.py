"""Liveness locks: show which of the processes that share a database are alive.

Each process holds a lock on a file of its own. The system releases the lock when the process ends,
however it ends. So the lease of a killed process can be taken over at once, not only when it
expires.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO


class LivenessLock:
    """Lock that one process holds as long as it lives.

    Args:
        path: the shared database; the lock files are beside it.
        process: id of this process.
    """

    def __init__(self, path: Path, process: str) -> None:
        self._path = path
        self._process = process
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Acquire this process's lock; no effect if it is held.

        Raises:
            OSError: the file cannot be created.
        """
        if self._file is None:
            file = open(self._path_of(self._process), "w", opener=_open_private)  # noqa: SIM115 - Path.open takes no opener; kept open
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = file

    def release(self) -> None:
        """Release this process's lock and delete its file."""
        if self._file is not None:
            with suppress(OSError):
                self._path_of(self._process).unlink(missing_ok=True)
            self._file.close()
            self._file = None

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

    def _path_of(self, process: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{process}.lock")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
