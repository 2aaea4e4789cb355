"""A module run in a process of its own, on a core of its own where there are two."""

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
    """`python -m MODULE ARGUMENTS…`, which says one line once it is ready; ended with the block."""

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
    def word(self) -> str:
        """What it said when it was ready, such as its address; waits for that.

        Raises:
            RuntimeError: it ended without a word; the message is what it wrote to its standard
                error.
        """
        if word := self.hear():
            return word
        said = self._process.communicate()[1]
        code = self._process.returncode
        raise RuntimeError(f"{said}{self._module} did not start, and ended with {code}")

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The next line that it says, without its end; "" when there is none any more."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        return self._process.stdout.readline().rstrip("\n")

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far; that of other processes does not blur it."""
        # The id of a process's CPU clock, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime(~self._process.pid << 3 | 2)


def end_with_parent() -> None:
    """In a child: ends this process when its standard input does, however the parent ended."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def result_of(module: str, *arguments: object) -> Any:
    """What `python -m MODULE ARGUMENTS…` printed, as JSON.

    Raises:
        subprocess.CalledProcessError: it failed, and has said why on the standard error.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S603 - as above
    return json.loads(done.stdout)


@contextmanager
def two_cores() -> Iterator[int | None]:
    """Keeps this thread, and what it starts, to one core; gives another one for the server.

    None where there is but one core: all share it then.
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
