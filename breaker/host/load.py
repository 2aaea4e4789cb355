"""Load of the machine: pressure stall information, and the load average per CPU.

Pressure is the share of time in which some task waited for a resource (the kernel's
Documentation/accounting/psi.rst). The figure of the process's own control group is preferred to the
host's. The load average is always the host's, even in a container; prefer pressure.
"""

import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from breakerd.breaker.clock import CLOCK
from breakerd.breaker.fork import renew_after_fork
from breakerd.breaker.host.cgroup import ROOT, cgroup_folders, read_text
from breakerd.breaker.logging import get_logger

_log = get_logger(__name__)

_RESOURCES: Final = ("cpu", "memory", "io")
_REQUIREMENT: Final = "needs Linux 4.20 with CONFIG_PSI, and psi=1 where that is off by default"


@dataclass(frozen=True, slots=True)
class LoadReading:
    """One reading of the load; a figure that cannot be read is None.

    Attributes:
        cpu_pressure: Percent of about the last two seconds in which some task waited for a CPU.
        memory_pressure: The same for memory that was being reclaimed.
        io_pressure: The same for input and output.
        load_per_cpu: Tasks running or ready to run, averaged over a minute, per usable CPU.
        unavailable: Why a figure is None, by the names above.
    """

    cpu_pressure: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    load_per_cpu: float | None = None
    unavailable: dict[str, str] = field(default_factory=dict)


class StallMeter:
    """Recent share of stalled time, from the kernel's running total. Not thread-safe.

    The total reacts at once; the kernel's own averages lag by ten seconds.
    """

    MIN_SPAN: Final = 2.0
    """Minimum age in seconds of the sample to compare with."""
    MAX_SPAN: Final = 10.0
    """Maximum age in seconds of that sample."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def read(self, now: float, total: int) -> float | None:
        """Return the stalled percentage since a sample 2 to 10 s old; None if there is none.

        Args:
            now: Seconds; must not go back.
            total: Total stalled time in microseconds.
        """
        marks = self._samples
        if marks and total < marks[-1][1]:
            marks.clear()  # the process was moved to another group
        marks.append((now, total))
        while len(marks) > 1 and now - marks[1][0] >= self.MIN_SPAN:
            marks.popleft()
        since, before = marks[0]
        seconds = now - since
        if not self.MIN_SPAN <= seconds <= self.MAX_SPAN:
            return None
        return min(100.0, (total - before) / seconds / 10_000)


class LoadReader:
    """Read pressure and load. Thread-safe; reads the files at most ten times a second.

    Args:
        cgroups: Mount point of the control groups.
        proc: Mount point of the kernel's process files.
    """

    _MAX_AGE: Final = 0.1

    def __init__(self, cgroups: Path = ROOT, proc: Path = Path("/proc")) -> None:
        self._cgroups = cgroups
        self._proc = proc
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._reading = LoadReading()
        self._meters: dict[Path, StallMeter] = {}
        self._logged: set[str] = set()

    def read(self) -> LoadReading:
        """Return a reading that is at most 0.1 s old."""
        with self._lock:
            now = CLOCK.monotonic()
            if now - self._read_at >= self._MAX_AGE:
                self._reading, self._read_at = self.read_at(now), now
            return self._reading

    def read_at(self, now: float) -> LoadReading:
        """Read the files now; `now` is in seconds and must not go back. Not thread-safe."""
        known: dict[str, float] = {}
        unavailable: dict[str, str] = {}
        for resource in _RESOURCES:
            try:
                known[f"{resource}_pressure"] = self._pressure(now, resource)
            except (OSError, ValueError) as error:
                unavailable[f"{resource}_pressure"] = f"{error}; {_REQUIREMENT}"
        try:
            known["load_per_cpu"] = self._load_average() / self.cpus()
        except (OSError, ValueError, LookupError, ZeroDivisionError) as error:
            unavailable["load_per_cpu"] = str(error)
        return LoadReading(**known, unavailable=unavailable)

    def log_unavailable(self, unavailable: Mapping[str, str]) -> None:
        """Log why each watched figure is unavailable, once per figure and process."""
        with self._lock:
            new = {name: why for name, why in unavailable.items() if name not in self._logged}
            self._logged.update(new)
        for name, why in new.items():
            _log.warning(
                "load figure unavailable; its threshold has no effect", figure=name, why=why
            )

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()

    def cpus(self) -> float:
        """Return the CPUs this process may use: the minimum of affinity and the groups' quotas."""
        quotas = [
            (_quota_v2 if version == 2 else _quota_v1)(folder) for version, folder in self._groups()
        ]
        return min([float(_affinity()), *filter(None, quotas)])

    def _pressure(self, now: float, resource: str) -> float:
        file = self._pressure_file(resource)
        content = file.read_text()
        try:
            avg10, total = _parse(content)
        except (ValueError, LookupError) as error:
            raise ValueError(f"{file} holds {content[:80]!r}") from error
        fresh = self._meters.setdefault(file, StallMeter()).read(now, total)
        return avg10 if fresh is None else fresh

    def _pressure_file(self, resource: str) -> Path:
        """Return the file of the own group, else of the nearest group above, else the host's."""
        for version, folder in self._groups():
            file = folder / f"{resource}.pressure"
            if version == 2 and file.exists():
                return file
        return self._proc / "pressure" / resource

    def _load_average(self) -> float:
        return float((self._proc / "loadavg").read_text().split()[0])

    def _groups(self) -> list[tuple[int, Path]]:
        return cgroup_folders(self._cgroups, self._proc / "self" / "cgroup", "cpu")


def _parse(content: str) -> tuple[float, int]:
    """Return the `some` line of a pressure file: percent over 10 s, total in microseconds."""
    kind, *parts = content.splitlines()[0].split()
    if kind != "some":
        raise ValueError(kind)
    values = dict(part.split("=", 1) for part in parts)
    return float(values["avg10"]), int(values["total"])


def _quota_v2(folder: Path) -> float | None:
    limit = read_text(folder / "cpu.max").split()
    return int(limit[0]) / int(limit[1]) if limit and limit[0] != "max" else None


def _quota_v1(folder: Path) -> float | None:
    quota = int(read_text(folder / "cpu.cfs_quota_us") or -1)
    return quota / int(read_text(folder / "cpu.cfs_period_us")) if quota > 0 else None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


LOAD: Final = LoadReader()
renew_after_fork(LOAD)
