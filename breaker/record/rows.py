"""Where a reader of the record gets its rows from: a file, or the database of this process."""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.errors import BreakerError
from breakerd.breaker.fork import ProcessLock
from breakerd.breaker.storage.regular_file import require_regular
from breakerd.breaker.storage.timed_database import FORK_LIMIT

Rows = list[tuple[Any, ...]]
Query = Callable[[str, tuple[object, ...]], Rows]
"""Returns the rows of a query; raises `RecordError`."""

_BUSY_TIMEOUT: Final = 2.0
"""Seconds that a reader waits for whoever rebuilds the file."""


class RecordError(BreakerError):
    """The record cannot be read; says why, and of which file."""


class FileRows:
    """Rows of a file that other processes write. Thread-safe; it is open during a query only.

    A missing file has no rows.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, query: str, values: tuple[object, ...] = ()) -> Rows:
        """Return the rows of a query; none if there is no file, or no table yet.

        Raises:
            RecordError: the file cannot be read.
        """
        try:
            require_regular(self.path)
            if not self.path.exists():
                return []
            with _READING, closing(self._connect()) as connection:
                return connection.execute(query, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            if "no such table" in str(error):
                return []
            raise RecordError(f"{self.path}: cannot read the record: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT)


_READING: Final = ProcessLock()
"""Held during a query: a child must not inherit an open connection, see `TimedDatabase`."""
_held: Final[dict[int, bool]] = {}
"""True by the thread that forks, if it holds `_READING`."""


def _before_fork() -> None:
    _held[threading.get_ident()] = _READING.acquire(timeout=FORK_LIMIT)


def _after_fork() -> None:
    if _held.pop(threading.get_ident(), False):
        _READING.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
