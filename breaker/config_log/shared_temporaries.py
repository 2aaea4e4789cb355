"""Temporary values of a configuration file, in force in all processes of the host."""

from collections.abc import Callable, Collection
from pathlib import Path

from breakerd.breaker.config import ConfigFile, Key
from breakerd.breaker.config.following.temporary import Temporaries, still_valid, without
from breakerd.breaker.config_log.presence import Presence
from breakerd.breaker.config_log.temporary_file import Signature, TemporaryFile
from breakerd.breaker.errors import ConfigError, NotStoredError
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class SharedTemporaries:
    """Temporary values that all processes take from one file. Thread-safe, and safe to fork.

    They end with the last process that has the file in use: the next one that starts finds nobody.

    Args:
        config: the configuration file.
        path: file of the values; beside it is that of the lock.
    """

    def __init__(self, config: ConfigFile, path: Path) -> None:
        self._config = config
        self._file = TemporaryFile(path, str(config.path))
        self._presence = Presence(path.with_suffix(".lock"))
        self._lock = ProcessLock()
        self._seen: Signature | None = None
        renew_after_fork(self)

    def start(self) -> None:
        """Begin to share values; those of processes that have all ended are dropped."""
        with self._lock:
            try:
                if self._presence.enter() and self._file.read():
                    self._file.change(lambda _: ())
            except (OSError, NotStoredError) as error:
                _log.warning("temporary values are not shared", problem=str(error))
            self._seen = None
        self.follow()

    def close(self) -> None:
        """Share values no more; those in force stay."""
        with self._lock:
            self._presence.leave()

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self._seen = None

    def change(self, change: Callable[[Temporaries], Temporaries]) -> None:
        """Replace the values: here at once, and in the other processes within a second.

        Args:
            change: returns the new values for those that any process has set, which are in force
                then. What it raises is passed on; nothing is changed.

        Raises:
            ConfigError: one is invalid; nothing was changed.
            NotStoredError: the file cannot be written; nothing was changed.
        """
        with self._config.lock, self._lock:
            before = self._config.temporary

            def act(found: Temporaries) -> Temporaries:
                self._config.overlay(found)
                self._config.overlay(change(self._config.temporary))
                return self._config.temporary

            try:
                self._file.change(act)
            except NotStoredError:
                self._config.overlay(before)
                raise
            self._seen = self._file.signature()

    def tidy(self, keys: Collection[Key] = ()) -> None:
        """Remove from the file what a change of the configuration has ended; it may fail."""
        with self._config.lock, self._lock:
            lasting = self._config.lasting
            if self._file.read():
                try:
                    self._file.change(lambda found: still_valid(lasting, without(found, keys)))
                except NotStoredError as error:
                    _log.warning("ended temporary values stay in their file", problem=str(error))

    def follow(self) -> bool:
        """Take what another process has set or ended; return True if there was anything."""
        signature = self._file.signature()
        if signature == self._seen:
            return False
        with self._config.lock, self._lock:
            self._seen = signature
            wanted = still_valid(self._config.lasting, self._file.read())
            if wanted == self._config.temporary:
                return False
            try:
                self._config.overlay(wanted)
            except ConfigError as error:
                _log.warning("temporary values of another process are refused", problem=str(error))
                return False
        keys = [".".join(each.key) for each in wanted]
        _log.info("temporary values taken", keys=keys)
        return True
