"""Tells the processes that share a file which of them are still alive.

Each holds a lock on a file of its own, which the system lets go when the process ends, however it
ends. So what a killed process held can be taken over at once, and not only when its time is up.
"""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO


class LivenessLock:
    """The lock of one process, and a look at those of others.

    Args:
        path: the file that they share; the locks are beside it.
        process: whose lock it is.
    """

    def __init__(self, path: Path, process: str) -> None:
        self._path = path
        self._process = process
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Takes this process's lock.

        Raises:
            OSError: the file cannot be made.
        """
        if self._file is None:
            file = self._of(self._process).open("w")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = file

    def release(self) -> None:
        """Lets it go."""
        if self._file is not None:
            with suppress(OSError):
                self._of(self._process).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def is_dead(self, process: str) -> bool:
        """Whether that process holds its lock no more; what it left of it is tidied up."""
        path = self._of(process)
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _of(self, process: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{process}.lock")
