"""Time that passes only when somebody sleeps, for files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from breakerd.breaker.config.file.saving import Clock


class FileTime:
    """Both clocks of a file, driven together; `on_sleep` is what others do meanwhile."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.on_sleep: list[Callable[[], object]] = []
        self.clock = Clock(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Lets time pass, and then the next of the others act."""
        self.now += seconds
        if self.on_sleep:
            self.on_sleep.pop(0)()

    def write(self, path: Path, content: bytes) -> None:
        """Writes the file in place, now."""
        path.write_bytes(content)
        os.utime(path, (self.now, self.now))
