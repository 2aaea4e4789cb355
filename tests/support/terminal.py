"""A command at a terminal: what a person sees and types."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.command import BREAKERD, TERMINAL

_PATIENCE: Final = 120.0
"""Seconds after which a text that does not come is missed."""
_AS_ITS_TERMINAL: Final = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"  # so that Ctrl-C interrupts it
    "os.execv(sys.argv[1], sys.argv[1:])"
)
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """`breakerd` with these arguments, on a pseudo-terminal of its own, in `folder`."""

    def __init__(self, *arguments: str, folder: Path, **environment: str) -> None:
        self._master, terminal = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AS_ITS_TERMINAL, *BREAKERD, *arguments],
            cwd=folder,
            env=os.environ | TERMINAL | environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.seen = ""
        """Everything on the screen."""
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def expect(self, text: str) -> None:
        """Wait until `text` is on the screen, below what was expected before."""
        until = time.monotonic() + _PATIENCE
        while (at := self.seen.find(text, self._told)) < 0:
            if not self._read(until - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown: {self.seen!r}")
        self._told = at + len(text)

    def type(self, text: str) -> None:
        """Type a text as it is, control characters too."""
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Wait for the end, and return the exit code."""
        until = time.monotonic() + _PATIENCE
        while self._read(until - time.monotonic()):
            pass
        return self._process.wait(_PATIENCE)

    def _read(self, timeout: float) -> bool:
        """Take in what comes next; return False at the end, or if nothing comes in time."""
        if not select.select([self._master], [], [], max(timeout, 0))[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:  # Linux says EIO once nobody has the other end
            return False
        self.seen += _CONTROL.sub("", data.decode()).replace("\r", "")
        return bool(data)
