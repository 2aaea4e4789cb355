"""Log of the configurations of one file, kept by all processes of the host together."""

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from breakerd.breaker.breaker import BREAKERS
from breakerd.breaker.config import ConfigFile, Document
from breakerd.breaker.config.file.reading import FileReadError, read_bytes
from breakerd.breaker.config.following.origin import Origin, Way, present_origin
from breakerd.breaker.config.toml.limits import MAX_BYTES
from breakerd.breaker.config_log.masking import Masked, Masker
from breakerd.breaker.config_log.row import ConfigRow
from breakerd.breaker.config_log.shared_temporaries import SharedTemporaries
from breakerd.breaker.config_log.table import ConfigTable, Entry
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

if TYPE_CHECKING:
    from breakerd.breaker.config.following.temporary import Temporaries

_log = get_logger(__name__)

_INTERVAL: Final = 0.5
"""Seconds between two looks at what other processes have set."""
_MAX_UNNOTED: Final = 100
"""Number of changes that wait for a database that fails; the oldest are lost."""
_END_LIMIT: Final = 1.0
"""Maximum seconds that the end waits for the thread."""


class ConfigLog:
    """Log of one file, in a database that all processes of the host share. Thread-safe.

    A process notes its own changes before it writes them to the file, so that one that is killed in
    between is known by its author all the same. What is in the file without anybody's note was
    edited by hand: whoever sees it first notes it. A configuration that is the newest in the log
    is not noted again. If the database fails, only the log suffers.

    Args:
        config: the file; the log becomes its journal.
        path: the database.
        masker: masks the secrets of the file.
        clock: returns the time in seconds since the epoch.
    """

    def __init__(
        self,
        config: ConfigFile,
        path: Path,
        masker: Masker,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._path = path
        self._clock = clock
        self._masker = masker
        self._lock = ProcessLock()
        self.temporary = SharedTemporaries(config, path.with_name(f"{path.stem}-temporary.json"))
        self._begin()
        config.journal = self
        renew_after_fork(self)

    def _begin(self) -> None:
        self._table: ConfigTable | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._begun: tuple[int, Masked] | None = None
        """Number of the change that is being written, and its values."""
        self._over: Temporaries = ()
        """Temporary values before that change."""
        self._unnoted: deque[Entry] = deque(maxlen=_MAX_UNNOTED)
        """Changes of this process that are not in the database yet."""
        self._unseen: Way | None = Way.START
        """How the configuration came into force, if it is not known to be in the log."""

    # --- part of a process

    def start(self) -> None:
        """Open the database, and keep the log from now on; no effect if it does."""
        with self._lock:
            if self._table is not None or BREAKERS.taken_over:
                return
            process = f"{socket.gethostname()}:{os.getpid()}"
            table = ConfigTable(self._path, str(self._config.path), process)
            self._wake, self._stopping, self._unseen = threading.Event(), False, Way.START
            try:
                table.open()
                thread = threading.Thread(target=self._run, name="breakerd-config-log", daemon=True)
                self._table = table
                thread.start()
            except RuntimeError as error:
                self._table = None
                table.close()
                _log.warning("configurations are not logged", error=str(error))
                return
            self._thread = thread
        self.temporary.start()
        self._wake.set()

    def close(self) -> None:
        """Note what is left, and end; takes at most some seconds."""
        with self._lock:
            table, thread = self._table, self._thread
            self._stopping = True
            self._wake.set()
        if table is None:
            return
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_LIMIT)
        self._note()
        with self._lock:
            self._table = self._thread = None
        table.close()
        self.temporary.close()

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._begin()

    # --- journal of the file

    def writing(self, wanted: Document) -> None:
        """Note what is about to be written to the file."""
        self._begun, self._over = None, self._config.temporary
        if self._table is None:
            return
        self._note()
        if self._unnoted:
            return  # the database fails: this change waits behind those
        now = self._clock()
        before = Entry(
            self._masker.mask(self._config.document),
            Origin(self._unseen or Way.FILE),
            now,
            self._temporary_keys(),
        )
        masked = self._masker.mask(wanted)
        if before.masked == masked:
            return
        number = self._table.begin(before, Entry(masked, present_origin(), now))
        if number is not None:
            self._unseen = None
            self._begun = (number, masked)

    def changed(self, active: Document, *, written: bool) -> None:
        """Note that a change of this process is in force."""
        masked, begun = self._masker.mask(active), self._begun
        ended = {each.key for each in self._over} - {each.key for each in self._config.temporary}
        self._begun, self._over = None, ()
        if ended:
            self.temporary.tidy(ended)
        if begun is not None and self._table is not None and begun[1] == masked:
            done = self._table.confirm(begun[0], written=written)
            if done:
                return
        entry = Entry(masked, present_origin(), self._clock(), self._temporary_keys(), written)
        self._unnoted.append(entry)
        self._note()

    def taken_in(self) -> None:
        """Have it noted that the file was read, by the thread."""
        self._unseen = self._unseen or Way.FILE
        self._wake.set()

    def note_temporary(self) -> None:
        """Note that a temporary value was set or ended by this process."""
        with self._config.lock:
            self.changed(self._config.document, written=True)

    # --- reading

    @property
    def problem(self) -> str:
        """Return why nothing is noted at present; empty if all is well."""
        return self._table.problem if self._table is not None else ""

    def rows(self, limit: int = 100, before: int | None = None) -> list[ConfigRow]:
        """Return the newest rows, newest first; none if the database fails.

        Args:
            limit: maximum number of rows.
            before: only rows with lower numbers.
        """
        self._note()
        return (self._table.rows(limit, before) or []) if self._table is not None else []

    def row(self, number: int) -> ConfigRow | None:
        """Return the row of that number; None if there is none."""
        return self._table.row(number) if self._table is not None else None

    def with_digest(self, digest: str) -> ConfigRow | None:
        """Return the newest row with that digest; None if there is none."""
        return self._table.with_digest(digest) if self._table is not None else None

    # --- the thread

    def _run(self) -> None:
        wake = self._wake
        while not self._stopping and self._wake is wake:
            wake.wait(_INTERVAL)
            wake.clear()
            try:
                self.temporary.follow()
                self._note()
            except Exception:  # noqa: BLE001 - the next look must come
                _log.exception("configurations are not logged")

    def _note(self) -> None:
        """Note the changes of this process, then what is in force, if the log may lack it."""
        with self._config.lock:
            if self._table is None:
                return
            while self._unnoted:
                if self._table.note(self._unnoted[0]) is None:
                    return
                self._unnoted.popleft()
                self._unseen = None
            if self._unseen is None or not self._is_at_rest():
                return
            origin = Origin(self._unseen)
            masked, now = self._masker.mask(self._config.document), self._clock()
            if self._table.note(Entry(masked, origin, now, self._temporary_keys())) is not None:
                self._unseen = None
                self.temporary.tidy()

    def _is_at_rest(self) -> bool:
        """Return True if the file is as it was taken in, or will not be taken in."""
        if not self._config.status.successful:
            return True
        try:
            return read_bytes(self._config.path, MAX_BYTES) == self._config.known
        except FileReadError:
            return False

    def _temporary_keys(self) -> tuple[str, ...]:
        return tuple(".".join(each.key) for each in self._config.temporary)
