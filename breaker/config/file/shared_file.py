"""A file that this process, others and people change: looked at when nobody is saving it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from breakerd.breaker.config.file.atomic_write import atomic_write
from breakerd.breaker.config.file.locking import LockTimeoutError, file_lock
from breakerd.breaker.config.file.saving import Clock, Look, SaveDetector
from breakerd.breaker.errors import ConfigConflictError
from breakerd.breaker.fork import ProcessLock, renew_after_fork

_BETWEEN_LOOKS: Final = 0.05


class Patience(NamedTuple):
    """Time to wait for others.

    Attributes:
        saving: seconds for somebody who is saving the file.
        lock: seconds for other processes that change the file.
    """

    saving: float
    lock: float = 5.0


class SharedFile:
    """Read and replace a file in turns with others.

    Args:
        path: the file; links are followed.
        limit: maximum size, in bytes.
        lock: held by whoever calls a method, but for `once_at_rest`.
        known: content of the file, complete, when it was last read or written.
        clock: sources of time.
    """

    def __init__(
        self, path: Path, limit: int, lock: ProcessLock, known: bytes, clock: Clock
    ) -> None:
        self.known = known
        """Set it when another content was taken in."""
        self._path = path
        self._lock = lock
        self._clock = clock
        self._saves = SaveDetector(path, limit, clock)
        self._is_locked = False
        renew_after_fork(self)

    def look(self) -> tuple[Look, float]:
        """Read the file; return also the seconds until it may be used, 0 if it may be now."""
        look = self._saves.look()
        own = look.content == self.known
        return look, 0.0 if own else self._saves.wait_time(look, self.known)

    def once_at_rest(
        self, act: Callable[[Look], Callable[[], None] | None], patience: Patience
    ) -> None:
        """Call `act` with the file when nobody is saving it, and then what `act` returns.

        While `act` runs, other processes wait with their changes. If it returns None, because the
        file has changed again, it is called again later.

        Args:
            act: what is to be done.
            patience: time to wait for others.

        Raises:
            ConfigConflictError: the file was not at rest, or was locked, for that time.
        """
        deadline = self._clock.monotonic() + patience.saving
        while True:
            with self._lock:
                with self._turn(patience.lock):
                    look, wait = self.look()
                    finish = None if wait else act(look)
                if finish is not None:
                    finish()
                    return
            if self._clock.monotonic() >= deadline:
                raise self._conflict("is being saved by somebody else", "when it is saved")
            self._clock.sleep(min(max(wait, 0.001), _BETWEEN_LOOKS))

    def replace(self, content: bytes, look: Look) -> None:
        """Replace what was found by `look`; the new content is known then.

        Raises:
            FileChangedError: somebody changed the file since.
            OSError: it cannot be written; it is unmodified.
        """
        atomic_write(self._path, content, look.content or b"")
        self.known = content

    def after_fork(self) -> None:
        """Forget that a thread of the parent holds the file's lock: a forked child does not."""
        self._is_locked = False

    @contextmanager
    def _turn(self, timeout: float) -> Iterator[None]:
        if self._is_locked:  # by this thread: what it applies may lead to another change
            yield
            return
        try:
            with file_lock(self._path, timeout):
                self._is_locked = True
                try:
                    yield
                finally:
                    self._is_locked = False
        except LockTimeoutError:
            found = f"has been locked by another process for {timeout:g} s"
            raise self._conflict(found, "when it has ended") from None

    def _conflict(self, found: str, when: str) -> ConfigConflictError:
        return ConfigConflictError(f"{self._path} {found}: nothing was changed. Try again {when}.")
