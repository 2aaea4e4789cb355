"""The file that keeps the snapshots of a process's breakers over a restart."""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.errors import SnapshotError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.persistence import snapshot
from breakerd.breaker.storage.regular_file import require_regular

VERSION: Final = 1
RETENTION: Final = 30 * 86400.0
"""Seconds after which the snapshot of a breaker that was not created again is dropped."""

_log = get_logger(__name__)

Snapshots = dict[str, dict[str, Any]]
"""Snapshots by name of the breaker."""


class SnapshotFile:
    """One file of snapshots. A reader sees the old content or the new one, whole.

    Args:
        path: the file; a missing folder is created.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def write(self, snapshots: Snapshots) -> None:
        """Replace the content by `snapshots`, readable by the owner only.

        Raises:
            OSError: it cannot be written; the file is unmodified.
        """
        require_regular(self.path)
        content = {"version": VERSION, "saved_at": time.time(), "breakers": snapshots}
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{self.path.name}.", suffix=".new")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, separators=(",", ":"), allow_nan=False)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(folder)

    def read(self) -> Snapshots:
        """Return the snapshots in the file; empty if there is none.

        A damaged file is quarantined and logged, so that it neither prevents a start nor is lost;
        the intact snapshots in it are returned.
        """
        try:
            require_regular(self.path)
            found = _snapshots(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.warning("state read failed", file=str(self.path), error=str(error))
            return {}
        except (ValueError, RecursionError) as error:
            self._quarantine([str(error)])
            return {}
        problems = {name: problem for name, data in found.items() if (problem := _problem(data))}
        if problems:
            self._quarantine([f"{name}: {problem}" for name, problem in problems.items()])
        return {n: data for n, data in found.items() if n not in problems and not _is_expired(data)}

    def _quarantine(self, problems: list[str]) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns() // 1_000_000}")
        try:
            self.path.replace(aside)
        except OSError as error:
            _log.warning("damaged state", file=str(self.path), problems=problems, error=str(error))
        else:
            _log.warning("damaged state quarantined", file=str(aside), problems=problems)


def _snapshots(content: object) -> Snapshots:
    """Return the snapshots in the parsed content.

    Raises:
        ValueError: it has another form.
    """
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"not the state of breakers, version {VERSION}")
    breakers = content.get("breakers")
    if not isinstance(breakers, dict) or not all(isinstance(s, dict) for s in breakers.values()):
        raise ValueError("its 'breakers' are not objects by name")
    return breakers


def _problem(data: dict[str, Any]) -> str:
    try:
        snapshot.check(data)
    except SnapshotError as error:
        return str(error)
    return ""


def _is_expired(data: dict[str, Any]) -> bool:
    """True if the snapshot is older than `RETENTION`."""
    return time.time() - float(data["saved_at"]) > RETENTION


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
