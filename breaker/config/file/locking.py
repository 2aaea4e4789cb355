"""Take turns with other processes that change the same file."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_RETRY_INTERVAL: Final = 0.01
"""Seconds between two attempts to get the lock."""
_UNSUPPORTED: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class LockTimeoutError(Exception):
    """Another process holds the lock of the file for too long."""


@contextlib.contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock of `path`, an advisory one, which excludes processes that use this function.

    The file itself is locked, so nothing is left beside it and its folder may be read-only. It may
    be replaced while the lock is held; who waits then locks the new file. Without a file, and on a
    file system without locks (which is logged), nothing is held.

    Args:
        path: the file; links are followed.
        timeout: time to wait for the lock, in seconds.

    Raises:
        LockTimeoutError: it was not free in that time.
    """
    descriptor = _acquire(path, CLOCK.monotonic() + timeout)
    if descriptor is None:
        yield
        return
    _HELD.add(descriptor)
    try:
        yield
    finally:
        if descriptor in _HELD:  # not in a child forked meanwhile
            _HELD.discard(descriptor)
            # Not only closed: a child may be just being forked, with the file open.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


_HELD: Final[set[int]] = set()
"""Descriptors that hold a lock of this process."""


def _close_held() -> None:
    """Close in a forked child what the parent holds: else the child would hold it for longer."""
    while _HELD:
        os.close(_HELD.pop())


os.register_at_fork(after_in_child=_close_held)


def _acquire(path: Path, deadline: float) -> int | None:
    mode = os.O_RDONLY
    while True:
        try:
            descriptor = os.open(path, mode | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return None  # whoever reads the file is told why
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                return descriptor
        except BlockingIOError:
            if CLOCK.monotonic() >= deadline:
                os.close(descriptor)
                raise LockTimeoutError from None
            time.sleep(_RETRY_INTERVAL)
        except OSError as error:
            if error.errno == errno.EBADF and mode == os.O_RDONLY:
                mode = os.O_RDWR  # NFS locks only what is open for writing
            elif error.errno in _UNSUPPORTED | {errno.EBADF}:
                _log.warning("file cannot be locked", file=str(path), error=str(error))
                os.close(descriptor)
                return None
            else:
                os.close(descriptor)
                raise
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """True if the open file is the one that is there now."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - links
    except FileNotFoundError:
        return False
