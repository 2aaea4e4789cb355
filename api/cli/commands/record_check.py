"""Check of `breakerd doctor`: whether the record of calls and events can be written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.breaker.fleet.hub.file.inspection import FileInspection, inspect_file
from breakerd.breaker.record.settings import HistorySettings
from breakerd.breaker.storage.regular_file import require_regular

_CHECK: Final = "record"
_DISK: Final = "record disk"
_OWN_MODE: Final = 0o600
_LEAST_FREE: Final = 100 * 2**20
"""Bytes of free disk below which it is time to do something."""


def check_record(settings: HistorySettings, path: Path) -> Iterator[Finding]:
    """Check the file of the record, and yield each finding; nothing stays changed there.

    Args:
        settings: `[history]`.
        path: file of the record.
    """
    if not settings.enabled:
        yield unknown(_CHECK, "none is kept on disk", "set `enabled = true` in [history]")
        return
    try:
        require_regular(path)
    except OSError as error:
        yield fail(_CHECK, str(error), "choose another `file` in [history]")
        return
    found = inspect_file(path)
    yield _usable(found)
    yield _disk(found)
    if found.exists and found.mode != _OWN_MODE:
        text = f"{path} has mode {found.mode:04o}: it holds operators' names and notes"
        yield warning("record mode", text, f"chmod {_OWN_MODE:04o} {path}")


def _usable(found: FileInspection) -> Finding:
    if found.problem:
        text = f"{found.path}: {found.problem}"
        return fail(_CHECK, text, "repair it: until then calls and events are in memory only")
    if found.locked:
        text = f"{found.path} is locked for a second: nothing is written meanwhile"
        advice = "look for a stopped process that has it open (`fuser`, `lsof`)"
        return warning(_CHECK, text, advice)
    if not found.exists:
        return ok(_CHECK, f"{found.path} does not exist yet; the first process creates it")
    return ok(_CHECK, f"{found.path} is readable and writable")


def _disk(found: FileInspection) -> Finding:
    if found.network:
        text = f"{found.path} is on a network file system ({found.network}), where locks fail"
        return warning(_DISK, text, "set `file` in [history] to a path on a disk of this host")
    if found.free < _LEAST_FREE:
        text = f"{found.free // 2**20} MiB are free on the disk of {found.path}"
        return warning(_DISK, text, "make room, or lower `max_mb` in [history]")
    return ok(_DISK, f"{found.free // 2**20} MiB are free")
