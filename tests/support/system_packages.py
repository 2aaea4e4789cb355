"""System packages that some tests need; prints those that are missing."""

from __future__ import annotations

import os
import shutil

PARTS = {
    "chromium": "chromium",
    "nginx": "nginx-light",
    "promtool": "prometheus",
    "openssl": "openssl",
    "redis-server": "redis-server",
    "vim": "vim",
    "wrk": "wrk",
}
"""Debian package of each program."""


def missing() -> dict[str, str]:
    """Return the programs that are not installed, and their packages."""
    return {part: package for part, package in PARTS.items() if not installed(part)}


def installed(part: str) -> bool:
    """Return True if the program can be found."""
    return find(part) is not None


def find(part: str) -> str | None:
    """Return the path of the program. On Debian, servers are where only root looks by itself."""
    return shutil.which(part, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


if __name__ == "__main__":
    print(*missing().values())
