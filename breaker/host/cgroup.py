"""Find the folders of this process's control groups, its own group first."""

from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
"""Mount point of the control groups."""
MEMBERSHIP: Final = Path("/proc/self/cgroup")
"""File that lists the groups of this process."""


def cgroup_folders(root: Path, membership: Path, controller: str) -> list[tuple[int, Path]]:
    """Return (cgroup version, folder) of the process's group and of all groups above it.

    Args:
        root: Mount point of the control groups.
        membership: File that lists the groups of this process.
        controller: Controller whose groups are wanted; version 1 has a hierarchy for each.
    """
    if not membership.exists():
        return []
    found: list[tuple[int, Path]] = []
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            version, mount = 2, _mount_v2(root)
        elif controller in controllers.split(","):
            version, mount = 1, _mount_v1(root, controller)
        else:
            continue
        own = Path(path.lstrip("/"))
        found += [(version, mount / folder) for folder in (own, *own.parents)]
    return found


def read_text(file: Path) -> str:
    """Return the content of `file`, stripped; empty if it does not exist, as in the root group."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def _mount_v2(root: Path) -> Path:
    """Return the mount point of version 2: beside version 1 where systemd mounts both."""
    beside = root / "unified"
    return beside if beside.is_dir() else root


def _mount_v1(root: Path, controller: str) -> Path:
    """Return the mount point of a controller, which others may share: `cpu,memory`."""
    alone = root / controller
    if alone.is_dir() or not root.is_dir():
        return alone
    shared = (folder for folder in root.iterdir() if controller in folder.name.split(","))
    return next(shared, alone)
