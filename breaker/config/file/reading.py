"""Read a file that may be anything: a device, a pipe, far too large, or not text."""

import os
import stat
from os import PathLike
from typing import Final

SECRET_LIMIT: Final = 65_536
"""Maximum size of a file that holds one secret, in bytes."""

_BYTE_ORDER_MARK: Final = "\ufeff"
_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


class FileReadError(Exception):
    """A file cannot be read; the text says what was found in its place, without its path."""


def read_bytes(path: str | PathLike[str], limit: int, *, follow_links: bool = True) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises:
        FileReadError: it is something else, is too large, or cannot be read. Never blocks.
    """
    try:
        return _read(path, limit, follow_links=follow_links)
    except ValueError:
        raise FileReadError("a path with a NUL character") from None
    except OSError as error:
        raise FileReadError(error.strerror or type(error).__name__) from None


def read_secret_text(path: str | PathLike[str], *, follow_links: bool = True) -> str:
    """Return the text in a secret file, without white space around it; it may be empty.

    Args:
        path: the file.
        follow_links: False: refuse a symbolic link in its place.

    Raises:
        FileReadError: it cannot be read, is too large, or is not text.
    """
    raw = read_bytes(path, SECRET_LIMIT, follow_links=follow_links)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise FileReadError(f"not UTF-8 text (at byte {error.start})") from None
    if "\0" in text:
        raise FileReadError("text with a NUL character")
    return without_mark(text).strip()


def without_mark(text: str) -> str:
    """Return `text` without the byte order mark that some editors put at its beginning."""
    return text.removeprefix(_BYTE_ORDER_MARK)


def mark_of(text: str) -> str:
    """Return the byte order mark at the beginning of `text`; empty if there is none."""
    return _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""


def _read(path: str | PathLike[str], limit: int, *, follow_links: bool) -> bytes:
    # Before it is opened: opening some devices acts.
    _check_kind(os.stat(path, follow_symlinks=follow_links))  # noqa: PTH116 - of a `str` as well
    # Somebody may put a FIFO there in between: opening it must not wait for a writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(path, flags if follow_links else flags | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        _check_kind(os.fstat(descriptor))
        raw = file.read(limit + 1)
    if len(raw) > limit:
        raise FileReadError(f"more than {limit:,} bytes")
    return raw


def _check_kind(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileReadError(_KINDS.get(stat.S_IFMT(found.st_mode), "no regular file"))
