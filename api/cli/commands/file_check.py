"""Check of `breakerd doctor`: whether edits of the configuration file are noticed."""

import threading
from pathlib import Path
from typing import Final

from breakerd.alerts.doctor.finding import Finding, fail, ok, unknown, warning
from breakerd.breaker.config.file.events import FileEvents
from breakerd.breaker.config.file.mounts import source_of_mount, why_not_seen

_CHECK: Final = "file"
_LIMITS: Final = (
    "changes count within 3 s all the same; raise fs.inotify.max_user_instances or "
    "fs.inotify.max_user_watches"
)


def check_file(path: Path | None) -> Finding:
    """Check that edits of the file are seen, and how soon. It changes nothing."""
    if path is None:
        return unknown(_CHECK, "none: the settings are the built-in ones")
    source = source_of_mount(path)
    if problem := why_not_seen("", source):
        return fail(_CHECK, f"edits are not seen: {problem}", "mount the folder")
    if source:
        found = "it is mounted as a single file: an edit that replaces it elsewhere is never seen"
        return warning(_CHECK, found, "mount the folder that contains it")
    if problem := _why_no_events(path):
        return warning(_CHECK, f"its changes are found by polling alone: {problem}", _LIMITS)
    return ok(_CHECK, "its changes are noticed at once")


def _why_no_events(path: Path) -> str:
    events = FileEvents(path, threading.Event())
    try:
        events.follow()
        return events.problem
    finally:
        events.stop()
