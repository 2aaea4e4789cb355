"""Faults of a hub in a file, and of its disk: each begins, and ends with its block.

Each yields True if the hub is out of reach meanwhile, False if it is not for long.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.fleet_processes import Process
from tests.support.hub_faults import FaultyHub
from tests.support.polling import until

_LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE command_mark SET number = number + 1000")
print("locked", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
"""


@contextmanager
def deleted(hub: FaultyHub) -> Iterator[bool]:
    hub.file.unlink()
    yield False


@contextmanager
def overwritten(hub: FaultyHub) -> Iterator[bool]:
    """Another program writes over the whole file."""
    with hub.file.open("r+b") as file:
        file.write(os.urandom(hub.file.stat().st_size))
    yield False


@contextmanager
def locked(hub: FaultyHub) -> Iterator[bool]:
    """A process is stopped in a transaction; it goes on after the others have a new file."""
    before = inode_of(hub.file)
    with subprocess.Popen(
        [sys.executable, "-c", _LOCKER, str(hub.file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == b"locked\n"
            process.send_signal(signal.SIGSTOP)
            until(lambda: inode_of(hub.file) not in {before, 0})
            yield False
        finally:
            process.send_signal(signal.SIGCONT)
            process.stdin.close()
        assert process.wait() == 0


@contextmanager
def disk_full(hub: FaultyHub) -> Iterator[bool]:
    """No file of the processes may be written to."""
    with _limited(hub.processes):
        yield True


@contextmanager
def read_only(hub: FaultyHub) -> Iterator[bool]:
    """Nothing may be created, renamed or removed in the folder, and the file may not be opened."""
    folder = hub.file.parent
    hub.file.chmod(0o400)
    folder.chmod(0o500)
    try:
        yield False
    finally:
        folder.chmod(0o700)
        hub.file.chmod(0o600)


def inode_of(file: Path) -> int:
    """Return the number of a file; 0 if there is none."""
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0


@contextmanager
def _limited(processes: list[Process]) -> Iterator[None]:
    limit = resource.RLIMIT_FSIZE
    before = [resource.prlimit(process.pid, limit) for process in processes]
    for process, (_, hard) in zip(processes, before, strict=True):
        resource.prlimit(process.pid, limit, (0, hard))
    try:
        yield
    finally:
        for process, limits in zip(processes, before, strict=True):
            resource.prlimit(process.pid, limit, limits)
