"""Find out whether a single file is mounted, whose replacement elsewhere is never seen."""

import re
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
_REPLACED: Final = "//deleted"
"""How the kernel marks a mounted file that has lost its name."""


def source_of_mount(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the name that a mounted file has in its own file system; empty if it is not mounted.

    Only the file itself counts, not a folder above it. `mounts` is in the form of proc(5).
    """
    try:
        real = str(path.resolve())
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except (OSError, ValueError, RuntimeError):  # a loop of links
        return ""
    # The last one is on top of the others.
    for line in reversed(lines):
        fields = line.split(" ")
        if len(fields) > 4 and _unescaped(fields[4]) == real and not Path(real).is_dir():
            return _unescaped(fields[3])
    return ""


def why_not_seen(source_before: str, source: str) -> str:
    """Return what is wrong with a single mounted file, as a sentence; empty if nothing is.

    Args:
        source_before: its source when it began to be watched; empty if it was not mounted.
        source: its source now.
    """
    if not source:
        return ""
    if source.endswith(_REPLACED) or (source_before and source != source_before):
        return (
            "it is mounted as a single file, and has been replaced where it comes from: this "
            "process sees the old content, and no edit; restart the container, or mount the folder"
        )
    return ""


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
