"""Memory use and limit of this process: from its control group, else from the host.

The smallest limit between the process's own group and the root applies. Page cache that the kernel
can drop at once (`inactive_file`) is not counted, as in the kubelet.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.host.cgroup import MEMBERSHIP, ROOT, cgroup_folders, read_text
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_NO_LIMIT_V1: Final = 1 << 60
"""Smallest value of a cgroup v1 limit that means none; v1 writes about 2^63, rounded to a page."""


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """One reading of the memory, in bytes.

    Attributes:
        used: Memory that counts against the limit.
        limit: The limit; -1 if there is none, and the host's memory is used instead.
        total: The limit, or the host's memory if there is none.
    """

    used: int
    limit: int
    total: int

    @property
    def utilization(self) -> float:
        """Return the used share of `total`, from 0; 0 if `total` is unknown."""
        return self.used / self.total if self.total > 0 else 0.0


class MemoryReader:
    """Read memory use and limit. Thread-safe.

    Args:
        root: Mount point of the control groups.
        membership: File that lists the groups of this process.
    """

    def __init__(self, root: Path = ROOT, membership: Path = MEMBERSHIP) -> None:
        self._root = root
        self._membership = membership
        self._logged = False

    def read(self) -> MemoryReading | None:
        """Read use and limit now; None if that fails, which is logged once."""
        try:
            reading = self._read_cgroup() or _read_host()
        except (OSError, ValueError, ImportError) as error:
            if not self._logged:
                self._logged = True
                _log.warning(
                    "memory limit unavailable; memory cannot trip the breaker", error=str(error)
                )
            return None
        self._logged = False
        return reading

    def _read_cgroup(self) -> MemoryReading | None:
        """Return the reading of the group with the smallest limit; None if no group has one."""
        readings = [
            reading
            for version, path in cgroup_folders(self._root, self._membership, "memory")
            if (reading := (_read_v2 if version == 2 else _read_v1)(path))
        ]
        return min(readings, key=lambda reading: reading.limit, default=None)


class CachedMemoryReader:
    """Memory reader shared by all breakers of the process; caches for 20 ms. Thread-safe."""

    _MAX_AGE: Final = 0.02

    def __init__(self, reader: MemoryReader | None = None) -> None:
        self._reader = reader or MemoryReader()
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._reading: MemoryReading | None = None

    def read(self) -> MemoryReading | None:
        """Return a reading that is at most 20 ms old; None if memory cannot be read."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at >= self._MAX_AGE:
                self._reading = self._reader.read()
                self._read_at = now
            return self._reading

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()


def _read_v2(folder: Path) -> MemoryReading | None:
    limit = read_text(folder / "memory.max")
    if limit in {"", "max"}:
        return None
    used = int(read_text(folder / "memory.current") or 0)
    return _reading(used, int(limit), folder, "inactive_file")


def _read_v1(folder: Path) -> MemoryReading | None:
    limit = read_text(folder / "memory.limit_in_bytes")
    if not limit or int(limit) >= _NO_LIMIT_V1:
        return None
    used = int(read_text(folder / "memory.usage_in_bytes") or 0)
    return _reading(used, int(limit), folder, "total_inactive_file")


def _reading(used: int, limit: int, folder: Path, cache: str) -> MemoryReading:
    rows = (line.split() for line in read_text(folder / "memory.stat").splitlines())
    cached = next((int(row[1]) for row in rows if row[0] == cache), 0)
    return MemoryReading(max(0, used - cached), limit, limit)


def _read_host() -> MemoryReading:
    """Return the reading of this process within the host.

    Raises:
        OSError: Memory cannot be read.
    """
    # Loaded only where no group has a limit: elsewhere it is not needed.
    import psutil

    try:
        used = psutil.Process().memory_info().rss
        return MemoryReading(used=used, limit=-1, total=psutil.virtual_memory().total)
    except psutil.Error as error:
        raise OSError(str(error)) from error


MEMORY: Final = CachedMemoryReader()
