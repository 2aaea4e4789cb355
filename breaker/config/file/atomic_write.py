"""Replace the content of a file so that readers see the whole old or the whole new content."""

import errno
import os
import tempfile
from pathlib import Path


def atomic_write(path: Path, text: str) -> None:
    """Write `text` to the file behind `path`; keep its mode and owner.

    Links are followed. A file that can be written but not replaced (it is a mount point, its folder
    is not writable, or it has another owner) is written in place, which a crash at that moment can
    leave incomplete.

    Raises:
        OSError: it cannot be written; the file is unmodified.
    """
    real = path.resolve(strict=True)
    before = real.stat()
    # A missing write permission means that the file must not be changed, even by root.
    if not os.access(real, os.W_OK) or not before.st_mode & 0o222:
        raise PermissionError(errno.EACCES, "the file is read-only", str(real))
    try:
        _replace(real, text.encode(), before)
    except OSError as error:
        if error.errno not in _NOT_REPLACEABLE:
            raise
        _overwrite(real, text.encode())


_NOT_REPLACEABLE = {errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


def _replace(real: Path, content: bytes, before: os.stat_result) -> None:
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            _keep_owner(file.fileno(), before)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            os.fsync(file.fileno())
        temporary.replace(real)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(real.parent)


def _overwrite(real: Path, content: bytes) -> None:
    with real.open("r+b") as file:
        file.write(content)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


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
