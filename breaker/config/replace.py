"""Puts a new content in place of a file's, so that a reader sees the old or the new one, whole."""

import errno
import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Writes `text` to the file behind `path`, keeping its mode and owner.

    A link is followed. A file that is a mount point of its own cannot be replaced; it is written in
    place then, which a crash in that instant could leave incomplete.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    real = path.resolve(strict=True)
    before = real.stat()
    # A file without write permission is somebody's word that it is not to be changed.
    if not os.access(real, os.W_OK) or not before.st_mode & 0o222:
        raise PermissionError(errno.EACCES, "the file is read-only", str(real))
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            _keep_owner(file.fileno(), before)
            os.fsync(file.fileno())
        _put(temporary, real, text)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(real.parent)


def _put(temporary: Path, real: Path, text: str) -> None:
    try:
        temporary.replace(real)
    except OSError as error:
        if error.errno not in {errno.EBUSY, errno.EXDEV}:
            raise
        with real.open("r+b") as file:
            file.write(text.encode())
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
