"""File of the operators' modes on this host: in force in a new process before the hub answers."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.config.file.locking import LockTimeoutError, file_lock
from breakerd.breaker.fleet.messages import Register
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular
from breakerd.breaker.storage.small_file import create_file, replace_text

_log = get_logger(__name__)

_KEPT: Final = 7 * 86_400.0
"""Seconds for which the end of a mode is kept, as the hub keeps it."""
_VERSION: Final = 1
_LOCK_TIME: Final = 0.25
"""Maximum seconds to wait for another process that adds to the file."""


class ModesFile:
    """File that all processes of a host write: each adds what it knows. Not thread-safe.

    It never raises: a file that cannot be read is taken for empty, and that is told once, as is one
    that cannot be written.

    Args:
        path: the file; a missing folder is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._problem = ""
        self._unread = ""

    def read(self) -> tuple[Register, ...]:
        """Return the modes, ended ones among them."""
        try:
            require_regular(self.path)
            text = self.path.read_text(encoding="utf-8")
            found = tuple(_register(each) for each in json.loads(text)["modes"]) if text else ()
        except FileNotFoundError:
            found = ()
        except (OSError, ValueError, KeyError, TypeError) as error:
            known, self._unread = self._unread, repr(error)
            if self._unread != known:
                _log.warning("modes file is not read", file=str(self.path), problem=self._unread)
            return ()
        self._unread = ""
        return found

    def add(self, registers: Iterable[Register], now: float) -> bool:
        """Add modes to those in the file; of two of a breaker the later one stays.

        Return False if they are not all there: another process holds the file, or it cannot be
        written.

        Args:
            registers: the modes.
            now: hub time in seconds; what ended long before is dropped.
        """
        given = tuple(registers)
        found = self.read()
        if _merged(found, given, now) == found:
            return True
        try:
            create_file(self.path)
            with file_lock(self.path, _LOCK_TIME):  # another process may be adding, too
                self._replace(_merged(self.read(), given, now))
        except LockTimeoutError:
            self._tell(f"{self.path}: another process keeps it locked")
        except OSError as error:
            self._tell(f"{self.path}: {error.strerror or error}")
        else:
            self._problem = ""
            return True
        return False

    def _replace(self, registers: tuple[Register, ...]) -> None:
        text = json.dumps({"version": _VERSION, "modes": registers})
        replace_text(self.path, text)

    def _tell(self, problem: str) -> None:
        known, self._problem = self._problem, problem
        if not known:
            _log.warning("modes are not kept on disk", problem=problem)


def _merged(
    found: Iterable[Register], given: Iterable[Register], now: float
) -> tuple[Register, ...]:
    """Return the later mode of each breaker, without those that ended long before `now`."""
    latest = {each.breaker: each for each in found}
    for each in given:
        known = latest.get(each.breaker)
        if known is None or each.order > known.order:
            latest[each.breaker] = each
    return tuple(each for each in latest.values() if each.mode or now - each.at < _KEPT)


def _register(data: Any) -> Register:
    """Return a mode that was stored as a JSON array.

    Raises:
        TypeError: it is none.
    """
    register = Register(*data[: len(Register._fields)])
    texts = (register.breaker, register.mode, register.epoch, register.id)
    if not all(isinstance(text, str) for text in (*texts, register.note, register.actor)):
        raise TypeError("a mode with a value that is no text")
    if not isinstance(register.at, int | float):
        raise TypeError("a mode without a time")
    return register
