"""Exchange two files in one step, so that what was replaced can still be looked at."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

_CURRENT_FOLDER: Final = -100
"""`AT_FDCWD`: names are relative to the current folder."""
_EXCHANGE: Final = 2
"""`RENAME_EXCHANGE`."""
_UNSUPPORTED: Final = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
# Python has no function for it. Not in every C library; then it is None.
_renameat2: Final = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def exchange(one: Path, other: Path) -> bool:
    """Let two names change their files; False if the system or the file system cannot do that.

    Raises:
        OSError: they cannot be renamed; both are as before.
    """
    if _renameat2 is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if _renameat2(_CURRENT_FOLDER, names[0], _CURRENT_FOLDER, names[1], _EXCHANGE) == 0:
        return True
    error = ctypes.get_errno()
    if error in _UNSUPPORTED:
        return False
    raise OSError(error, os.strerror(error), str(other))
