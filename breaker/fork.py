"""Renewal after a fork: a thread of the parent may have held any lock at that moment."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Protocol
from weakref import WeakSet

from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)


class Renewable(Protocol):
    """Something that belongs to one process."""

    def after_fork(self) -> None:
        """Drop, in the child, what belongs to the parent: locks, threads, open files."""
        ...


def renew_after_fork(item: Renewable) -> None:
    """Call `item.after_fork` in each forked child from now on; `item` is held weakly."""
    _RENEWABLES.add(item)


@contextmanager
def importing() -> Iterator[None]:
    """Hold back forks while a background thread imports.

    A child that is forked meanwhile has half a module: to import it fails there, or waits for ever.
    """
    with _IMPORTS:
        yield


class ProcessLock:
    """Re-entrant lock that is free in a forked child. Thread-safe.

    It is also made anew where `threading` was monkey-patched (gevent does that after the fork): the
    old one would let in all greenlets of its thread. Not for the fast path.
    """

    __slots__ = ("__weakref__", "_held", "_kind", "_lock", "interrupted")

    def __init__(self) -> None:
        self._renew()
        self._held: list[threading.RLock] = []
        self.interrupted = False
        """True in a forked child if another thread held the lock at the fork: what it did under the
        lock may be half done here. Set it to False when that is mended."""
        _LOCKS.add(self)

    def __enter__(self) -> None:
        self.acquire()

    def acquire(self, timeout: float = -1) -> bool:
        """Wait for the lock, at most `timeout` seconds if that is not negative; True if it came."""
        if self._kind is not threading.Lock and not self.is_mine:
            self._renew()
        lock = self._lock
        acquired = lock.acquire(timeout=timeout)
        if acquired:
            self._held.append(lock)
        return acquired

    def release(self) -> None:
        """Release it once."""
        self._held.pop().release()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def is_mine(self) -> bool:
        """True if this thread holds the lock."""
        # Not public, but what `threading.Condition` asks of every such lock.
        return bool(self._lock._is_owned())  # type: ignore[attr-defined]  # noqa: SLF001

    def after_fork(self) -> None:
        """Make a new lock, unless the thread that forked holds it: it goes on in the child."""
        if self.is_mine:
            return
        self.interrupted = bool(self._held)
        self._held = []
        self._renew()

    def _renew(self) -> None:
        # `RLock` stays the same function when it is patched, `Lock` does not.
        self._kind: object = threading.Lock
        self._lock = threading.RLock()


_LOCKS: Final[WeakSet[ProcessLock]] = WeakSet()
_IMPORTS: Final = ProcessLock()
_RENEWABLES: Final[WeakSet[Renewable]] = WeakSet()


def _renew_all() -> None:
    # Locks first: the others may take them.
    for item in [*_LOCKS, *_RENEWABLES]:
        try:
            item.after_fork()
        except Exception:  # noqa: BLE001 - the others must be renewed too
            _log.exception("not renewed after a fork", item=repr(item))


def _end_fork() -> None:
    _IMPORTS.__exit__(None, None, None)


os.register_at_fork(after_in_child=_renew_all)
os.register_at_fork(before=_IMPORTS.__enter__, after_in_parent=_end_fork, after_in_child=_end_fork)
