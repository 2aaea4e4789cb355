"""Memory use and limit of this process: of its control groups, and of the host.

The kernel runs out of memory at whichever level is full first: the process's own group, a group
above it, or the host. The level that is nearest to its limit therefore counts. Page cache that the
kernel can drop at once (`inactive_file`) is not counted, as in the kubelet.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.host.cgroup import MEMBERSHIP, ROOT, cgroup_folders, read_text
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_NO_LIMIT_V1: Final = 1 << 60
"""Smallest value of a cgroup v1 limit that means none; v1 writes about 2^63, rounded to a page."""


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """One reading of the memory, in bytes, at the level that is nearest to its limit.

    Attributes:
        used: Memory that counts against the limit.
        limit: The limit of the control group, at most the host's memory; -1 for the host itself.
        total: The limit, or the host's memory.
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
            reading = self._nearest_to_limit()
        except (OSError, ValueError, ImportError) as error:
            if not self._logged:
                self._logged = True
                _log.warning(
                    "memory limit unavailable; memory cannot trip the breaker", error=str(error)
                )
            return None
        self._logged = False
        return reading

    def _nearest_to_limit(self) -> MemoryReading:
        groups = [
            reading
            for version, path in cgroup_folders(self._root, self._membership, "memory")
            if (reading := (_read_v2 if version == 2 else _read_v1)(path))
        ]
        try:
            host = _read_host()
        except (OSError, ImportError):
            if not groups:
                raise
            return max(groups, key=lambda reading: reading.utilization)
        levels = [*(_at_most(host.total, reading) for reading in groups), host]
        return max(levels, key=lambda reading: reading.utilization)


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
            now = CLOCK.monotonic()
            if now - self._read_at >= self._MAX_AGE:
                self._reading = self._reader.read()
                self._read_at = now
            return self._reading

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()


def _read_v2(folder: Path) -> MemoryReading | None:
    # Above memory.high the kernel slows the group down, so memory.max is hardly ever reached.
    limits = (_read_limit(folder / name) for name in ("memory.max", "memory.high"))
    limit = min((limit for limit in limits if limit), default=None)
    if limit is None:
        return None
    used = int(read_text(folder / "memory.current") or 0)
    return _reading(used, limit, folder, "inactive_file")


def _read_v1(folder: Path) -> MemoryReading | None:
    limit = _read_limit(folder / "memory.limit_in_bytes")
    if not limit or limit >= _NO_LIMIT_V1:
        return None
    used = int(read_text(folder / "memory.usage_in_bytes") or 0)
    return _reading(used, limit, folder, "total_inactive_file")


def _read_limit(file: Path) -> int | None:
    """Return the limit in `file`; None if there is none."""
    text = read_text(file)
    return None if text in {"", "max"} else int(text)


def _reading(used: int, limit: int, folder: Path, cache: str) -> MemoryReading:
    rows = (line.split() for line in read_text(folder / "memory.stat").splitlines())
    cached = next((int(row[1]) for row in rows if row[0] == cache), 0)
    return MemoryReading(max(0, used - cached), limit, limit)


def _at_most(total: int, reading: MemoryReading) -> MemoryReading:
    """Return `reading` with a limit of at most `total`: a group cannot use more than there is."""
    limit = min(reading.limit, total)
    return MemoryReading(reading.used, limit, limit)


def _read_host() -> MemoryReading:
    """Return the reading of the host: all that its processes use of its memory.

    Raises:
        OSError: Memory cannot be read.
    """
    # Loaded at the first reading: whoever gives the memory by himself does not need it.
    import psutil

    try:
        memory = psutil.virtual_memory()
    except psutil.Error as error:
        raise OSError(str(error)) from error
    return MemoryReading(used=memory.total - memory.available, limit=-1, total=memory.total)


MEMORY: Final = CachedMemoryReader()
renew_after_fork(MEMORY)
