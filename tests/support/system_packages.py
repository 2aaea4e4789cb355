"""The system packages that some tests need, and which of them are missing here."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

PARTS = {
    "Python.h": "python3-dev",
    "chromium": "chromium",
    "gcc": "build-essential",
    "promtool": "prometheus",
    "wrk": "wrk",
}
"""Program, or header of this Python -> the Debian package that has it."""


def missing() -> dict[str, str]:
    """What is not installed, and the packages that have it."""
    return {part: package for part, package in PARTS.items() if not installed(part)}


def installed(part: str) -> bool:
    """Whether the program can be found, or the header."""
    if part.endswith(".h"):
        return Path(sysconfig.get_path("include"), part).exists()
    return shutil.which(part) is not None


if __name__ == "__main__":
    print(*missing().values())
