"""Look at the file of a hub as its members would use it; nothing is written or created."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from breakerd.breaker.storage.database_file import primary_code

_MOUNTS: Final = Path("/proc/self/mounts")
_NETWORK: Final = frozenset(
    ("9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3")
)
"""Types of file systems that other hosts serve."""
_LOCK_WAIT: Final = 1.0
"""Seconds to wait for somebody who writes: a transaction takes milliseconds."""


class FileInspection(NamedTuple):
    """State of a hub's file.

    Attributes:
        path: the file.
        exists: False if it is still to be made.
        problem: why it cannot be used; empty if it can.
        locked: True if somebody keeps others from writing.
        mode: permissions, as 0o600; 0 if it does not exist.
        free: bytes that are free on its disk.
        network: type of the file system, if another host serves it; empty if not, or not known.
    """

    path: Path
    exists: bool = False
    problem: str = ""
    locked: bool = False
    mode: int = 0
    free: int = 0
    network: str = ""


def inspect_file(path: Path, mounts: Path = _MOUNTS) -> FileInspection:
    """Return what the file of a hub is like; takes a second where it is locked.

    Args:
        path: the file, which need not exist.
        mounts: file in which the system lists what is mounted.
    """
    path = path.absolute()
    folder = next(each for each in path.parents if each.is_dir())
    found = FileInspection(path, network=_network(folder.resolve(), mounts))
    try:
        found = found._replace(free=shutil.disk_usage(folder).free)
        if not path.exists():
            usable = os.access(folder, os.W_OK | os.X_OK)
            return found._replace(problem="" if usable else f"{folder} is not writable")
        found = found._replace(exists=True, mode=path.stat().st_mode & 0o777)
        _try_to_write(path)
    except (OSError, sqlite3.Error) as error:
        if (
            isinstance(error, sqlite3.OperationalError)
            and primary_code(error) == sqlite3.SQLITE_BUSY
        ):
            return found._replace(locked=True)
        return found._replace(problem=str(error))
    return found


def _try_to_write(path: Path) -> None:
    """Begin a transaction that writes, and roll it back.

    Raises:
        sqlite3.Error: the file is locked, damaged, or not writable.
    """
    where = f"{path.as_uri()}?mode=rw"
    with closing(sqlite3.connect(where, uri=True, timeout=_LOCK_WAIT)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE doctor (id INTEGER)")
        connection.execute("ROLLBACK")


def _network(folder: Path, mounts: Path) -> str:
    """Return the type of the file system of `folder`, if another host serves it."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    best = (-1, "")
    for line in lines:
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if folder.is_relative_to(point):
            best = max(best, (len(point.parts), fields[2]), key=lambda each: each[0])
    return best[1] if best[1] in _NETWORK else ""
