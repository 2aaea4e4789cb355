"""An example as a process of its own, as its docstring says to run it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.warnings_as_errors import PYTHON_OPTIONS

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "examples"
PYTHON = (sys.executable, *PYTHON_OPTIONS)


def environment(**set_too: str) -> dict[str, str]:
    """The tests' own environment, with the repository importable from any folder."""
    return os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"} | set_too


def run(*command: str, folder: Path, **set_too: str) -> str:
    """Run an example to its end, and return what it printed."""
    done = subprocess.run(
        [*PYTHON, *command],
        cwd=folder,
        env=environment(**set_too),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Running:
    """An example that runs until it is stopped; its output is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str, timeout: float = 60.0) -> str:
        """Wait for a line that has `pattern` in it; return its first group, or all of it."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self._lines)), None)

        with self._more:
            self._more.wait_for(lambda: found() or self._ended, timeout)
            match = found()
        assert match, f"{pattern!r} was not printed:\n{''.join(self._lines)}"
        return match[match.lastindex or 0]

    @property
    def output(self) -> str:
        """Everything that it has printed so far."""
        return "".join(self._lines)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self._lines.append(line)
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()


@contextmanager
def running(*command: str, folder: Path, **set_too: str) -> Iterator[Running]:
    """Start an example; stop it at the end of the block."""
    process = subprocess.Popen(
        [*PYTHON, *command],
        cwd=folder,
        env=environment(**set_too),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    example = Running(process)
    try:
        yield example
    finally:
        example.stop()
