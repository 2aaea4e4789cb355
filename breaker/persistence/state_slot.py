"""One state file for each process that shares a path, so that none overwrites another's.

Slot 1 of `breakers.json` is that file, slot 2 `breakers.2.json`, and so on. A process holds the
lock of its slot (`flock` on a file beside it), which the kernel frees however the process ends.
"""

import contextlib
import errno
import fcntl
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.persistence.snapshot_file import RETENTION

PATIENCE: Final = 2.0
"""Seconds to wait for other processes that claim a slot; each needs some milliseconds."""

_log = get_logger(__name__)

_GENERATION_TIME: Final = 600.0
"""Seconds by which states of one run of all processes differ at most."""
_RETRY_INTERVAL: Final = 0.01
_MAX_SLOTS: Final = 1024
_UNSUPPORTED: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class StateSlot:
    """The state file of this process.

    Attributes:
        path: the file to save to.
        current: True if what it holds is to be restored.
        lock: keeps others away until it is released; None where files cannot be locked.
    """

    path: Path
    current: bool
    lock: "_Lock | None"

    def release(self) -> None:
        """Free the slot."""
        if self.lock is not None:
            self.lock.release()


def claim(path: Path, patience: float = PATIENCE) -> StateSlot:
    """Claim a slot that no other process holds; remove those that nobody has used for 30 days.

    Of the free ones the first is taken whose state is from the latest run: as many processes as
    before find the states of before. A state is not current if its process ended more than 10 min
    ago while another ran that still does: that one's operator may have said otherwise since.
    One that this user may not lock is another's, and counts as held.

    Args:
        path: slot 1.
        patience: seconds to wait for other processes that claim a slot.

    Raises:
        OSError: the folder cannot be written, or too many processes use it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _Lock(path.with_name(f"{path.name}.lock")) as turn:
            turn.acquire(patience)
            return _claim(path)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _log.warning("state cannot be locked: let no other process use it", file=str(path))
        return StateSlot(path, current=True, lock=None)


def _claim(path: Path) -> StateSlot:
    slots = [_Slot(path, number) for number in _used_numbers(path)]
    latest = max((slot.saved_at for slot in slots), default=0.0)
    # Of one run are those that were saved at about the same time; of these the first.
    slots.sort(key=lambda slot: (latest - slot.saved_at > _GENERATION_TIME, slot.number))
    try:
        return _first_free(path, slots)
    except BaseException:
        for slot in slots:
            slot.lock.release()
        raise


def _first_free(path: Path, slots: "list[_Slot]") -> StateSlot:
    now = time.time()
    held_since, own = [], None
    for slot in slots:
        if not slot.try_acquire():
            held_since.append(slot.lock.held_since)
        elif own is None:
            own = slot
        else:
            slot.drop(now - RETENTION)
    if own is None:
        own = _Slot(path, _first_unused(slots))
        own.lock.try_acquire()
    stale = now - own.saved_at > _GENERATION_TIME
    outlived = any(since <= own.saved_at for since in held_since)
    own.lock.note_time()
    return StateSlot(own.path, current=not (stale and outlived), lock=own.lock)


class _Slot:
    """A slot that exists, or may be made."""

    def __init__(self, path: Path, number: int) -> None:
        self.number = number
        self.path = path if number == 1 else path.with_stem(f"{path.stem}.{number}")
        self.lock = _Lock(path.with_name(f"{path.name}.{number}.lock"))
        self.saved_at = 0.0
        """Time of the last save, in seconds since the epoch."""
        with contextlib.suppress(FileNotFoundError):
            self.saved_at = self.path.stat().st_mtime

    def try_acquire(self) -> bool:
        """Lock it unless another process has, or another user keeps this one from it."""
        try:
            return self.lock.try_acquire()
        except PermissionError:
            if self.lock.path.exists():
                return False
            raise  # nobody may make a lock there

    def drop(self, before: float) -> None:
        """Release it; remove it if it was not saved since."""
        if self.saved_at < before:
            self.path.unlink(missing_ok=True)
            self.lock.path.unlink(missing_ok=True)
        self.lock.release()


def _used_numbers(path: Path) -> list[int]:
    """Return the numbers of the slots of which there is a state or a lock."""
    found = {1} if path.exists() else set()
    forms = (
        re.compile(rf"{re.escape(path.stem)}\.(\d+){re.escape(path.suffix)}"),
        re.compile(rf"{re.escape(path.name)}\.(\d+)\.lock"),
    )
    for name in os.listdir(path.parent):  # noqa: PTH208 - names only
        found.update(int(match[1]) for form in forms if (match := form.fullmatch(name)))
    return sorted(number for number in found if 1 <= number <= _MAX_SLOTS)


def _first_unused(slots: list[_Slot]) -> int:
    used = {slot.number for slot in slots}
    number = next(number for number in range(1, _MAX_SLOTS + 2) if number not in used)
    if number > _MAX_SLOTS:
        raise OSError(f"more than {_MAX_SLOTS} processes save their state there")
    return number


class _Lock(contextlib.AbstractContextManager["_Lock"]):
    """A file that one process locks. Released by the kernel when the process ends.

    A child lets go of it at the fork: with its copy it would hold the lock as long as it lives.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        renew_after_fork(self)

    def acquire(self, patience: float) -> None:
        """Lock it.

        Raises:
            OSError: another process had it for `patience` seconds, or it cannot be locked.
        """
        deadline = CLOCK.monotonic() + patience
        while not self.try_acquire():
            if CLOCK.monotonic() >= deadline:
                raise TimeoutError(f"{self.path} has been locked for {patience:g} s")
            time.sleep(_RETRY_INTERVAL)

    def try_acquire(self) -> bool:
        """Lock it unless another process has; return True if this one has it now."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    @property
    def held_since(self) -> float:
        """Time at which the process that has it got it, in seconds since the epoch."""
        return self.path.stat().st_mtime

    def note_time(self) -> None:
        """Let others see since when it is held."""
        os.utime(self.path)

    def release(self) -> None:
        """Release it."""
        if self._descriptor is not None:
            # A copy may have come into a child, which has not closed it yet.
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self.after_fork()

    def after_fork(self) -> None:
        """Let go, in a forked child, of the parent's lock, which the parent keeps."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        self.release()
