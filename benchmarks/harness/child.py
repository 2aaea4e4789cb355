"""Modules run as processes of their own, and on a core of their own if there are two."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Child:
    """A process of `python -m MODULE ARGUMENTS…` that prints one line when it is ready.

    A context manager: the process is terminated at the end of the block.

    Args:
        module: name of the module to run.
        arguments: its command line.
        core: number of the core to run on; None for any.
    """

    def __init__(self, module: str, *arguments: str, core: int | None = None) -> None:
        self._module = module
        self._process = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @cached_property
    def ready_line(self) -> str:
        """The line that it printed when it was ready, such as its address; waits for it.

        Raises:
            RuntimeError: it ended before that; the message holds its standard error.
        """
        if line := self.read_line():
            return line
        errors = self._process.communicate()[1]
        code = self._process.returncode
        raise RuntimeError(f"{errors}{self._module} did not start; exit code {code}")

    def write_line(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def read_line(self) -> str:
        """Return its next line of output without the line end; "" at the end of the output."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout.readline().rstrip("\n")

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of all its threads so far, unaffected by other processes."""
        # The id of a process's CPU clock, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime(~self._process.pid << 3 | 2)


def end_with_parent() -> None:
    """In a child: exit this process at the end of its input, however the parent ended."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def result_of(module: str, *arguments: object) -> Any:
    """Run `python -m MODULE ARGUMENTS…`, and return what it printed, parsed as JSON.

    Raises:
        subprocess.CalledProcessError: it failed; the reason is on the standard error.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - as above
    return json.loads(done.stdout)


@contextmanager
def two_cores() -> Iterator[int | None]:
    """Pin this thread, and what it starts, to one core; yield the number of another for a server.

    Yields None if there is only one core, which all share then.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield None
        return
    os.sched_setaffinity(0, {cores[-1]})
    try:
        yield cores[0]
    finally:
        os.sched_setaffinity(0, set(cores))
