"""How loaded the machine is: pressure stall information, and the load average by CPU.

Pressure says which share of the time some task waited for a resource (the kernel's
Documentation/accounting/psi.rst). That of the process's own control group is preferred, else the
host's. The load average is always the host's, whatever the container: prefer pressure.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breaker.log import get_logger

_log = get_logger("breaker.load")

_RESOURCES: Final = ("cpu", "memory", "io")


@dataclass(frozen=True, slots=True)
class LoadReading:
    """One look at the load; None is what cannot be known.

    Attributes:
        cpu_pressure: percent of the last ten seconds in which some task waited for a CPU.
        memory_pressure: the same for memory, while it was being reclaimed.
        io_pressure: the same for input and output.
        load_per_cpu: tasks that run or want to, over the last minute, by CPU that may be used.
    """

    cpu_pressure: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    load_per_cpu: float | None = None


class LoadReader:
    """Reads pressure and load. Thread-safe; reads the files at most twice a second.

    Args:
        cgroups: where control groups are mounted.
        proc: where the kernel's files are.
    """

    _FRESH: Final = 0.5

    def __init__(self, cgroups: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc")) -> None:
        self._cgroups = cgroups
        self._proc = proc
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._reading = LoadReading()
        self._told: set[str] = set()

    def read(self) -> LoadReading:
        """The present reading, or one that is at most half a second old."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at >= self._FRESH:
                self._reading, self._read_at = self._now(), now
            return self._reading

    def after_fork(self) -> None:
        """Takes a new lock: the old one may have been held by a thread that is gone."""
        self._lock = threading.Lock()

    def _now(self) -> LoadReading:
        pressures = {f"{name}_pressure": self._pressure(name) for name in _RESOURCES}
        return LoadReading(load_per_cpu=self._load_per_cpu(), **pressures)

    def _pressure(self, resource: str) -> float | None:
        own = (folder / f"{resource}.pressure" for folder in self._groups())
        for file in (*own, self._proc / "pressure" / resource):
            share = _some_avg10(file)
            if share is not None:
                return share
        self._tell_once(resource, "pressure is unknown here; its threshold does nothing")
        return None

    def _load_per_cpu(self) -> float | None:
        try:
            waiting = float((self._proc / "loadavg").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            self._tell_once("load", "load average is unknown here; its threshold does nothing")
            return None
        return waiting / self.cpus()

    def cpus(self) -> float:
        """CPUs that this process may use: the least of affinity and the groups' quotas."""
        quotas = [quota for folder in self._groups() if (quota := _quota(folder)) is not None]
        return min([float(len(os.sched_getaffinity(0))), *quotas])

    def _groups(self) -> list[Path]:
        """Folders of the process's group of version 2, from its own up to the root."""
        try:
            lines = (self._proc / "self" / "cgroup").read_text().splitlines()
        except OSError:
            return []
        paths = [Path(line.removeprefix("0::/")) for line in lines if line.startswith("0::")]
        return [self._cgroups / folder for path in paths for folder in (path, *path.parents)]

    def _tell_once(self, what: str, message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            _log.info(message, resource=what)


def _some_avg10(file: Path) -> float | None:
    """`some avg10` of a pressure file; None where there is none, or the kernel has it off."""
    try:
        words = file.read_text().split()
        return float(words[1].removeprefix("avg10=")) if words[0] == "some" else None
    except (OSError, ValueError, IndexError):
        return None


def _quota(folder: Path) -> float | None:
    """CPUs that the group may use; None without a limit."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


LOAD: Final = LoadReader()
