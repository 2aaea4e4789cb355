"""The control groups of this process: which folders hold its limits, own group first."""

from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
"""Where control groups are mounted."""
MEMBERSHIP: Final = Path("/proc/self/cgroup")
"""Says which groups this process is in."""


def cgroup_folders(root: Path, membership: Path, controller: str) -> list[tuple[int, Path]]:
    """(cgroup version, folder) of the process's group and of all above it.

    Args:
        root: where control groups are mounted.
        membership: the file that says which group this process is in.
        controller: whose groups, where each controller has its own (version 1).
    """
    if not membership.exists():
        return []
    found: list[tuple[int, Path]] = []
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            version, mount = 2, _mount_v2(root)
        elif controller in controllers.split(","):
            version, mount = 1, root / controller
        else:
            continue
        own = Path(path.lstrip("/"))
        found += [(version, mount / folder) for folder in (own, *own.parents)]
    return found


def read_text(file: Path) -> str:
    """What the file holds; nothing where it does not exist, as in the root group."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def _mount_v2(root: Path) -> Path:
    """Where both versions are mounted, systemd puts the second one beside the first."""
    beside = root / "unified"
    return beside if beside.is_dir() else root
