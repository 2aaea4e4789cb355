"""Description of a run: the commit, the interpreter, the machine, and its load."""

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path


def describe() -> dict[str, str]:
    """Return facts to publish with any figure; "unknown" if the machine does not provide one."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "GIL": "on" if getattr(sys, "_is_gil_enabled", lambda: True)() else "off",
        "CPU": cpu_model(),
        "cores": str(os.cpu_count()),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "kernel": f"{platform.system()} {platform.release()}",
        "load average before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def commit() -> str:
    """Return the commit of the source, with ", changed since" if files differ from it."""
    git = shutil.which("git")
    if git is None:
        return "unknown"
    command = [git, "describe", "--always", "--dirty=, changed since", "--exclude=*"]
    folder = Path(__file__).parent
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - git, found by its name
    return result.stdout.strip() or "unknown"


def cpu_model() -> str:
    """Return the name of the processor."""
    for line in read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or "unknown"


def read(path: str) -> str:
    """Return the text of a kernel file; "unknown" if it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"
