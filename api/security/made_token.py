"""The token that a service makes for itself where none is set: one file, for all its processes."""

import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from breakerd.api.settings import ApiSettings
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_BYTES: Final = 32
_LIMIT: Final = 4096
"""Maximum size of the file in bytes."""
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_ALLOWED: Final = "allowed: a file of this process's user, of mode 0600, that contains a token"
_DEFAULT_FILE: Final[str] = ApiSettings.model_fields["made_token_file"].default


class MadeToken:
    """Read the token from its file, or make both. Thread-safe, and so between processes.

    Nothing is kept in memory: a file that is deleted ends its token in every process, and the next
    request that needs one makes another.

    Args:
        file: path of the file, `[api] made_token_file`; relative to the working directory of now.
            Empty: no token is made.
    """

    def __init__(self, file: str = _DEFAULT_FILE) -> None:
        self.file = file
        self.path: Final = _absolute(file) if file else None
        """Absolute path of the file; None if no token is made."""
        self.problem: str | None = None
        """Reason why there is no token, without the path; None if there is one, or none is made."""

    def get(self) -> SecretStr | None:
        """Return the token; None if there is none, of which `problem` has the reason.

        It reads a file, and may write one and its folder: not to be called in an event loop.
        """
        if self.path is None:
            return None
        try:
            token = _read(self.path) or _make(self.path)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self._note(getattr(error, "strerror", None) or str(error))
            return None
        self._note(None)
        return SecretStr(token)

    def inspect(self) -> str | None:
        """Return why there can be no token; None if there is one, or one can be made.

        It changes nothing.
        """
        if self.path is None:
            return "no file is named"
        try:
            if _read(self.path, tighten=False) is None:
                folder = next(each for each in self.path.parents if each.exists())
                return None if os.access(folder, os.W_OK) else f"{folder} is not writable"
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or str(error)
        return None

    def _note(self, problem: str | None) -> None:
        if problem and problem != self.problem:
            _log.error("no token: changes are refused", file=str(self.path), problem=problem)
        self.problem = problem


def _absolute(file: str) -> Path:
    try:
        return Path(file).absolute()
    except OSError:  # the working directory is gone
        return Path(file)


def _read(path: Path, *, tighten: bool = True) -> str | None:
    """Return the token in the file; None if there is no file.

    Raises:
        OSError: it is not this user's own regular file, cannot be read, or contains no token.
    """
    try:
        _check(path.lstat())  # before it is opened: opening some devices acts
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        _check(found)
        if tighten and found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
            _log.warning("others could read the token: it is now of mode 0600", file=str(path))
        return _parse(file.read(_LIMIT + 1))


def _check(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise OSError(f"found a symbolic link; {_ALLOWED}")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"found no regular file; {_ALLOWED}")
    if found.st_uid != os.geteuid():
        raise OSError(f"found a file of user {found.st_uid}, not {os.geteuid()}; {_ALLOWED}")
    if found.st_mode & stat.S_IWOTH:  # the token may be of anybody's choice
        raise OSError(f"found a file that anybody may write; {_ALLOWED}")


def _parse(content: bytes) -> str:
    if len(content) > _LIMIT:
        raise OSError(f"found more than {_LIMIT:,} bytes; {_ALLOWED}")
    token = content.decode("ascii", "replace").strip()
    if not token:
        raise OSError(f"found an empty file; {_ALLOWED}")
    if not token.isascii() or not token.isprintable():
        raise OSError(f"found text with characters beyond printable ASCII; {_ALLOWED}")
    return token


def _make(path: Path) -> str:
    """Make the file; return its token, or the one of another process that was faster.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    token = secrets.token_urlsafe(_BYTES)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears with its whole content, and never in the place of another file.
        path.hardlink_to(temporary)
    except FileExistsError:
        return _read(path) or _make(path)
    finally:
        temporary.unlink(missing_ok=True)
    _log.info("token made", file=str(path))
    return token
