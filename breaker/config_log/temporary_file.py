"""File of the temporary values that the processes of a host have in force."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.config.file.locking import LockTimeoutError, file_lock
from breakerd.breaker.config.following.temporary import Temporaries, TemporaryValue
from breakerd.breaker.errors import NotStoredError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular
from breakerd.breaker.storage.small_file import create_file, replace_text

_log = get_logger(__name__)

_VERSION: Final = 1
_LOCK_TIME: Final = 2.0
"""Maximum seconds to wait for another process that changes the file."""

Signature = tuple[int, ...]


class TemporaryFile:
    """File that all processes of a host read and write. Not thread-safe.

    Args:
        path: the file.
        config: the configuration file that the values belong to.
    """

    def __init__(self, path: Path, config: str) -> None:
        self.path = path
        self._config = config
        self._problem = ""

    def signature(self) -> Signature:
        """Return what differs after each change of the file; empty if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)

    def read(self) -> Temporaries:
        """Return the values; none if the file is missing, or cannot be read, which is logged."""
        return self._all().get(self._config, ())

    def change(self, change: Callable[[Temporaries], Temporaries]) -> Temporaries:
        """Replace the values by what `change` returns for those in the file; return that.

        Raises:
            NotStoredError: the file cannot be written.
        """
        try:
            create_file(self.path)
            with file_lock(self.path, _LOCK_TIME):
                found = self._all()
                before = found.get(self._config, ())
                values = change(before)
                if values != before:
                    self._write({**found, self._config: values})
        except LockTimeoutError:
            raise NotStoredError(f"{self.path}: another process keeps it locked") from None
        except OSError as error:
            raise NotStoredError(f"{self.path}: {error.strerror or error}") from None
        return values

    def _write(self, values: dict[str, Temporaries]) -> None:
        data = {
            config: [[list(each.key), each.value, each.over, each.by, each.at, each.reason]
                     for each in values_]
            for config, values_ in values.items() if values_
        }  # fmt: skip
        replace_text(self.path, json.dumps({"version": _VERSION, "values": data}))

    def _all(self) -> dict[str, Temporaries]:
        try:
            require_regular(self.path)
            text = self.path.read_text(encoding="utf-8")
            found = json.loads(text)["values"] if text else {}
            result = {config: tuple(map(_value, values)) for config, values in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            known, self._problem = self._problem, repr(error)
            if known != self._problem:
                _log.warning("temporary values are not read", file=str(self.path), problem=known)
            return {}
        self._problem = ""
        return result


def _value(data: Any) -> TemporaryValue:
    """Return a value that was stored as a JSON array.

    Raises:
        ValueError, TypeError: it is none.
    """
    key, value, over, by, at, reason = data
    if not isinstance(key, list) or not key or not all(isinstance(name, str) for name in key):
        raise TypeError("a value without a key")
    if not all(isinstance(text, str) for text in (over, by, reason)):
        raise TypeError("a value with an origin that is no text")
    return TemporaryValue(tuple(key), value, over, by, float(at), reason)
