"""System packages that some tests need; prints those that are missing."""

from __future__ import annotations

import shutil

PARTS = {
    "chromium": "chromium",
    "promtool": "prometheus",
    "openssl": "openssl",
    "wrk": "wrk",
}
"""Debian package of each program."""


def missing() -> dict[str, str]:
    """Return the programs that are not installed, and their packages."""
    return {part: package for part, package in PARTS.items() if not installed(part)}


def installed(part: str) -> bool:
    """Return True if the program can be found."""
    return shutil.which(part) is not None


if __name__ == "__main__":
    print(*missing().values())
