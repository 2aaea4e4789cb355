"""The file in which the snapshots of a process's breakers outlive it."""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.errors import SnapshotError
from breakerd.breaker.logging import get_logger
from breakerd.breaker.persistence import snapshot

VERSION: Final = 1
RETENTION: Final = 30 * 86400.0
"""Seconds after which a breaker that no process has made again is dropped from the file."""

_log = get_logger(__name__)

Snapshots = dict[str, dict[str, Any]]
"""By the breaker's name."""


class SnapshotFile:
    """One file of snapshots. A reader sees the old content or the new one, whole.

    Args:
        path: the file; its folder is made if there is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def write(self, snapshots: Snapshots) -> None:
        """Puts `snapshots` in place of what the file held, for its owner to read only.

        Raises:
            OSError: it cannot be written; the file is as it was.
        """
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
        """What the file holds; nothing if there is none.

        A damaged one is set aside and logged, so that it neither hinders a start nor is lost; the
        breakers in it that are whole count all the same.
        """
        try:
            found = _snapshots(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.warning("state cannot be read", file=str(self.path), error=str(error))
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
            _log.warning("damaged state set aside", file=str(aside), problems=problems)


def _snapshots(content: object) -> Snapshots:
    """The snapshots in what was read.

    Raises:
        ValueError: it is something else.
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
    """Whether nobody has asked for that breaker for so long that it will not come back."""
    return time.time() - float(data["saved_at"]) > RETENTION


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
