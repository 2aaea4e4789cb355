"""Replace the content of a file so that readers see the whole old or the whole new content."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from breakerd.breaker.config.file.exchange import exchange
from breakerd.breaker.config.file.saving import CUT_OFF_TIME, is_being_written


class FileChangedError(Exception):
    """Somebody else changed the file, or is changing it; it was not written."""


def atomic_write(path: Path, content: bytes, expected: bytes) -> None:
    """Write `content` to the file behind `path`, which holds `expected`; keep its mode and owner.

    Links are followed. A file that can be written but not replaced (it is a mount point, its folder
    is not writable, or it has another owner) is written in place, which a crash at that moment can
    leave incomplete.

    Raises:
        FileChangedError: it does not hold `expected` right before it is replaced, or somebody has
            it open for writing; it is left alone.
        OSError: it cannot be written; the file is unmodified.
    """
    real = path.resolve(strict=True)
    before = real.stat()
    # A missing write permission means that the file must not be changed, even by root.
    if not os.access(real, os.W_OK) or not before.st_mode & 0o222:
        raise PermissionError(errno.EACCES, "the file is read-only", str(real))
    try:
        _replace(real, content, expected)
    except OSError as error:
        if error.errno not in _NOT_REPLACEABLE:
            raise
        _overwrite(real, content, expected)


_NOT_REPLACEABLE: Final = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


def _replace(real: Path, content: bytes, expected: bytes) -> None:
    before = real.stat()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            _keep_owner(file.fileno(), before)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            os.fsync(file.fileno())
            _mark_complete(file.fileno())
        _check_unchanged(real, expected)
        if exchange(temporary, real):
            _check_replaced(temporary, real, expected)
        else:
            temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(real.parent)


def _check_replaced(replaced: Path, real: Path, expected: bytes) -> None:
    """Put back what was replaced if somebody changed it in the last moment, or is changing it."""
    try:
        _check_unchanged(replaced, expected)
    except FileChangedError:
        exchange(replaced, real)
        raise


def _overwrite(real: Path, content: bytes, expected: bytes) -> None:
    _check_unchanged(real, expected)
    with real.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
        _mark_complete(file.fileno())


def _check_unchanged(real: Path, expected: bytes) -> None:
    if is_being_written(real) or real.read_bytes() != expected:
        raise FileChangedError


def _mark_complete(descriptor: int) -> None:
    """Date the file back by the longest time for which others wait where it may be half saved."""
    found = os.fstat(descriptor)
    # One tick more: the file's time may be rounded.
    modified_at = found.st_mtime_ns - int((CUT_OFF_TIME + 0.01) * 1e9)
    os.utime(descriptor, ns=(found.st_atime_ns, modified_at))


def _keep_owner(descriptor: int, before: os.stat_result) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
