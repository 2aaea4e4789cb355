"""Find out whether somebody is saving a file at this moment.

Many programs save in place: they empty the file, then write it in several steps. What is there in
between may be a valid file that means something else, or the defaults.
"""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.config.file.reading import FileReadError, read_bytes

REST_TIME: Final = 0.3
"""Seconds that a file must have stood still before it is read."""
CUT_OFF_TIME: Final = 2.0
"""The same for a file of which only the beginning is left."""
_OPEN_TIME: Final = 10.0
"""The same for a file that another process has open for writing."""
_START_PATIENCE: Final = 1.5
"""Seconds that whoever has not read a file yet waits for a program that writes it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Sources of time, to be driven in tests.

    Attributes:
        monotonic: returns seconds that never go back.
        wall: returns seconds since the epoch, as the file's times.
        sleep: waits for some seconds.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Look:
    """Content of a file at one moment.

    Attributes:
        content: its content; None if it could not be read.
        problem: why it could not be read; empty otherwise.
        signature: differs after most changes; empty if the file is missing.
        age: seconds since its last change.
    """

    content: bytes | None
    problem: str
    signature: tuple[int, ...]
    age: float


class SaveDetector:
    """Tell how long to wait until a file may be read. For one thread at a time.

    Args:
        path: the file; links are followed.
        limit: maximum size, in bytes.
        clock: sources of time.
    """

    def __init__(self, path: Path, limit: int, clock: Clock) -> None:
        self._path = path
        self._limit = limit
        self._clock = clock
        self._signature: tuple[int, ...] | None = None
        self._unchanged_since = float("-inf")

    def look(self) -> Look:
        """Read the file, whatever state it is in."""
        content, problem = None, ""
        try:
            content = read_bytes(self._path, self._limit)
        except FileReadError as error:
            problem = str(error)
        # After the content: what is written in between makes the file look younger, not older.
        signature, modified_at = _signature(self._path)
        now = self._clock.monotonic()
        if signature != self._signature:
            self._signature, self._unchanged_since = signature, now
        # The file's time may be that of another machine, and ahead; then only what was seen counts.
        age = max(self._clock.wall() - modified_at, now - self._unchanged_since)
        return Look(content, problem, signature, age)

    def wait_time(self, look: Look, before: bytes) -> float:
        """Return the seconds after which to look again; 0 if the file may be used as it is.

        Args:
            look: the last look.
            before: content of the file before somebody changed it.
        """
        needed = REST_TIME
        if look.content is not None and is_cut_off(before, look.content):
            needed = CUT_OFF_TIME
        if look.age < _OPEN_TIME and is_being_written(self._path):
            needed = _OPEN_TIME
        return max(0.0, needed - look.age)


def is_cut_off(before: bytes, content: bytes) -> bool:
    """True if `content` may be the beginning of a new version of `before`.

    The values may differ: somebody changed some of them, and has not saved all of the file yet.
    """
    old, new = _outline(before), _outline(content)
    unfinished = not content.endswith(b"\n") and before.endswith(b"\n")
    if unfinished and new:
        new.pop()  # its rest may be missing, so it may be any key
    return (len(new) < len(old) or unfinished) and new == old[: len(new)] and bool(before)


def is_being_written(path: Path) -> bool:
    """True if another process is known to have the file open for writing.

    False also if that cannot be known: on network file systems, and for the files of other users.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        # A lease for reading is given only if nobody writes. Who opens the file for writing in this
        # instant waits until the lease is given back, and this process gets a signal that does
        # nothing by default, instead of SIGIO, which would end it.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def wait_for_writer(path: Path, clock: Clock | None = None) -> None:
    """Wait for a program that has the file open for writing, for at most 1.5 s."""
    clock = clock or Clock()
    deadline = clock.monotonic() + _START_PATIENCE
    while is_being_written(path) and clock.monotonic() < deadline:
        clock.sleep(0.05)


def _signature(path: Path) -> tuple[tuple[int, ...], float]:
    """Return the signature and the time of the last change, in seconds since the epoch."""
    try:
        found = os.stat(path)  # noqa: PTH116 - follows the links that a ConfigMap swaps
    except (OSError, ValueError):
        return (), float("inf")
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size), found.st_mtime


def _outline(content: bytes) -> list[bytes]:
    """Return the keys and headers, line by line."""
    lines = [line.strip() for line in content.split(b"\n")]
    return [line.split(b"=")[0].rstrip() for line in lines if line and line[:1] != b"#"]
