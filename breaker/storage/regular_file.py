"""Refuse to read what is no regular file: a FIFO waits for ever, and a device never ends."""

import stat
from pathlib import Path


def require_regular(path: Path) -> None:
    """Do nothing if there is a regular file at `path`, or nothing.

    Raises:
        OSError: there is a folder, a FIFO, a socket or a device, or it is unreachable.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except ValueError as error:  # a NUL in the path
        raise OSError(f"{path!s:.100}: {error}") from None
    if not stat.S_ISREG(mode):
        raise OSError(f"{path} is not a regular file")
