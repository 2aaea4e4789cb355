"""The system packages that some tests need, and which of them are missing here."""

from __future__ import annotations

import shutil

PARTS = {
    "chromium": "chromium",
    "promtool": "prometheus",
}
"""Program -> the Debian package that has it."""


def missing() -> dict[str, str]:
    """The programs that are not installed, and their packages."""
    return {program: package for program, package in PARTS.items() if not shutil.which(program)}


if __name__ == "__main__":
    print(*missing().values())
