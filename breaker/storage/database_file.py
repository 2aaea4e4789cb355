"""File of a SQLite database: create it, check its pages, and rename it if they are damaged."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular

_log = get_logger(__name__)

_MODE: Final = 0o600
"""Incidents hold tags, hosts and reasons: only the service's own user reads them."""
_LOCK_TIMEOUT: Final = 2.0
"""Seconds to wait for another process that opens or renames the file."""
_LOCK_INTERVAL: Final = 0.02
"""Seconds between two attempts to get that lock."""
_MAX_LOG_BYTES: Final = 1 << 20
"""Size to which the write-ahead log is cut after a burst of writes."""
_INCREMENTAL: Final = 2
"""Value of `PRAGMA auto_vacuum` with which freed pages can be given back at any time."""
_SIDE_FILES: Final = ("-wal", "-shm")


class DamagedError(sqlite3.DatabaseError):
    """The pages of the file contradict each other."""


class FileOptions(NamedTuple):
    """Settings of SQLite for a file.

    Attributes:
        synchronous: `FULL`: a commit is on the disk before it returns; `NORMAL`: the last ones may
            be lost with the power, and the file stays whole.
        busy_timeout: seconds to wait for another process that writes.
        check_at_open: True: all pages are checked whenever the file is opened. False: only after a
            query has found damage; for a file that is so large that others would wait for it.
    """

    synchronous: str = "FULL"
    busy_timeout: float = 1.0
    check_at_open: bool = True


class FileStamp(NamedTuple):
    """State of a file. It changes whenever the file is replaced or written.

    Attributes:
        identity: device and inode.
        written: time of the last write in nanoseconds, and size in bytes.
    """

    identity: tuple[int, int]
    written: tuple[int, int]


class DatabaseFile:
    """File of a database, whoever has it open. Thread-safe.

    Args:
        path: the file.
        schema: SQL script that creates missing tables.
        version: format of the file; a file with a later format is not opened.
        options: settings of SQLite.
    """

    def __init__(
        self, path: Path, schema: str, version: int, options: FileOptions | None = None
    ) -> None:
        self.path = path
        self._options = options or FileOptions()
        self._schema = schema
        self._version = version

    def stamp(self) -> FileStamp | None:
        """Return the present state of the file; None if there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        identity = (status.st_dev, status.st_ino)
        return FileStamp(identity, (status.st_mtime_ns, status.st_size))

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Keep other processes from opening or renaming the file meanwhile.

        Without it, two processes that find the same damage would rename it twice: the second time
        the new and good file.

        Raises:
            TimeoutError: another process opens it for too long.
        """
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            _lock(folder, self.path.parent)
            yield
        finally:
            os.close(folder)

    def connect(self, *, doubtful: bool = True) -> sqlite3.Connection:
        """Open the file, create what is missing, and check all of its pages.

        Args:
            doubtful: False: check them only if the options say so.

        Raises:
            sqlite3.Error: it is damaged (see `is_damage`), of a later format or unreachable.
            OSError: it cannot be created, or is no regular file.
        """
        self._create()
        connection = sqlite3.connect(
            self.path,
            check_same_thread=False,
            timeout=self._options.busy_timeout,
            isolation_level=None,
        )
        try:
            self._prepare(connection, checked=doubtful or self._options.check_at_open)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def check(self) -> None:
        """Check the file as another process would see it, by a connection of its own.

        An open connection answers from its memory, and may go on for hours with a file that nobody
        else can read.

        Raises:
            sqlite3.Error: it is damaged (see `is_damage`), or unreachable.
        """
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        with closing(
            sqlite3.connect(uri, uri=True, timeout=self._options.busy_timeout)
        ) as connection:
            _check_pages(connection)
            found = _version_of(connection)
            if found != self._version:
                raise DamagedError(f"format {found} in place of {self._version}")

    def quarantine(self, error: sqlite3.Error) -> str:
        """Rename the damaged file, so that it can be examined and a new one can be created.

        To be called within `opening`.

        Returns:
            What was done, as a sentence.
        """
        renamed = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        with suppress(FileNotFoundError):
            self.path.rename(renamed)
        with suppress(OSError):
            renamed.chmod(_MODE)
        for ending in _SIDE_FILES:
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        _log.error("damaged database renamed", file=str(self.path), renamed=renamed.name)
        return f"{self.path} was damaged ({error}) and is now {renamed.name}"

    def discard(self) -> None:
        """Remove the file, which others may have open: they notice, and open the next one.

        To be called within `opening`.
        """
        for ending in ("", *_SIDE_FILES):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def _create(self) -> None:
        """Create a missing file, and make an existing one private."""
        # Never open and close an existing one: that drops SQLite's locks of this process on it.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
        require_regular(self.path)
        self._make_private()

    def _make_private(self) -> None:
        real = Path(os.path.realpath(self.path))
        for file in (real, *(real.with_name(real.name + ending) for ending in _SIDE_FILES)):
            with suppress(OSError):
                file.chmod(_MODE)

    def _prepare(self, connection: sqlite3.Connection, *, checked: bool) -> None:
        # Before the first table and the log; in an existing file it takes effect with VACUUM.
        connection.execute(f"PRAGMA auto_vacuum={_INCREMENTAL}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._options.synchronous}")
        connection.execute(f"PRAGMA journal_size_limit={_MAX_LOG_BYTES}")
        version = _version_of(connection)
        if version > self._version:
            raise sqlite3.NotSupportedError(
                f"made by a newer breakerd (format {version}, this one knows {self._version})"
            )
        if checked:
            _check_pages(connection)
        if version < self._version:
            connection.executescript(self._schema)
            connection.execute(f"PRAGMA user_version={self._version}")
        self._make_private()
        _let_shrink(connection)


def is_damage(error: Exception) -> bool:
    """Return True if the file is not a valid database any more, rather than unreachable."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return isinstance(error, DamagedError) or primary_code(error) in codes


def primary_code(error: Exception) -> int:
    """Return SQLite's primary error code; `SQLITE_OK` for an error of another origin."""
    # The low byte is the primary code; the rest gives details.
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)) & 0xFF


def give_back(connection: sqlite3.Connection, max_pages: int) -> None:
    """Return at most `max_pages` unused pages to the file system.

    Raises:
        sqlite3.Error: the file fails, or another process writes.
    """
    if connection.execute("PRAGMA freelist_count").fetchone()[0]:
        # Each step frees one page, and `execute` does only the first.
        connection.executescript(f"PRAGMA incremental_vacuum({max_pages})")
        # The file itself shrinks when the log is copied into it. PASSIVE waits for nobody.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _let_shrink(connection: sqlite3.Connection) -> None:
    """Rebuild a file that was created without `auto_vacuum`, once."""
    if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
        # Busy, or a full disk: tried again when it is opened next.
        with suppress(sqlite3.OperationalError):
            connection.execute("VACUUM")


def _check_pages(connection: sqlite3.Connection) -> None:
    for (problem,) in connection.execute("PRAGMA quick_check(1)"):
        if problem != "ok":
            raise DamagedError(problem)


def _version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _lock(folder: int, path: Path) -> None:
    deadline = CLOCK.monotonic() + _LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if CLOCK.monotonic() >= deadline:
                raise TimeoutError(f"another process is opening a database in {path}") from None
            time.sleep(_LOCK_INTERVAL)
        else:
            return
