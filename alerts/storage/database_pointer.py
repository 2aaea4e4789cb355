"""Pointer to the database that was used last, so that a start with another one finds it."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from breakerd.breaker.logging import get_logger
from breakerd.breaker.storage.regular_file import require_regular

_log = get_logger(__name__)

FOLDER: Final = "var"
"""Folder of the pointers, where the other files are that breakerd writes by default."""


class DatabasePointer:
    """File that names the database of the alerting of one configuration file. It never raises.

    Args:
        folder: folder of relative paths.
        config: the configuration file.
    """

    def __init__(self, folder: Path, config: Path) -> None:
        self._config = str(config.absolute())
        number = hashlib.sha256(self._config.encode(errors="backslashreplace")).hexdigest()[:12]
        self._path = folder / FOLDER / f"database-{number}.json"

    def read(self) -> Path | None:
        """Return the database that was used last; None if it is unknown, or gone."""
        found = _content(self._path)
        path = Path(found["database"]) if found.get("config") == self._config else None
        return path if path is not None and path.is_file() else None

    def write(self, database: Path) -> None:
        """Name the database that is used now."""
        wanted = {"config": self._config, "database": str(database.absolute())}
        if _content(self._path) == wanted:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_others()
            self._replace(json.dumps(wanted))
        except OSError as error:
            _log.info(
                "a later start with another database will not find this one", problem=str(error)
            )

    def _replace(self, text: str) -> None:
        """Replace the file; only its owner may read it."""
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def _drop_others(self) -> None:
        """Delete the pointers of configuration files that are gone."""
        for path in self._path.parent.glob("database-*.json"):
            config = _content(path).get("config", "")
            if config and not Path(config).exists():
                with suppress(OSError):
                    path.unlink()


def _content(path: Path) -> dict[str, str]:
    try:
        require_regular(path)
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    texts = isinstance(found, dict) and all(isinstance(each, str) for each in found.values())
    return found if texts and "database" in found else {}
