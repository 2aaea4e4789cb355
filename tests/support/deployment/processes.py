"""A server with all its processes, as an operator sees them: signals, log, `/proc`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.polling import until

ROOT = Path(__file__).resolve().parents[3]
_ENDED = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


class ServerProcess:
    """A command in a session of its own, so that none of its processes is lost sight of.

    Args:
        command: what to run.
        folder: its working directory, which also gets its output, as `log`.
        environment: variables beside those of the tests.
    """

    def __init__(
        self, command: Sequence[str | Path], folder: Path, environment: dict[str, str]
    ) -> None:
        self.folder = folder
        self._log = folder / "log"
        with self._log.open("ab") as output:
            self._printed_before = output.tell()
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=_variables(folder) | environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()

    @property
    def log(self) -> str:
        """Output of its processes since it was started."""
        return self._log.read_bytes()[self._printed_before :].decode()

    def write(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until its output has `pattern`, and return the last match."""

        def found() -> re.Match[str] | None:
            return next(reversed(list(re.finditer(pattern, self.log))), None)

        until(lambda: found() or self._process.poll() is not None)
        match = found()
        assert match, f"{pattern!r} was not printed:\n{self.log}"
        return match

    def pids(self) -> set[int]:
        """Return the processes of its session that run."""
        return {pid for pid in psutil.pids() if session_of(pid) == self.pid and is_running(pid)}

    def end(self, stop: signal.Signals | Callable[[], None], *, foreground: bool = False) -> float:
        """Tell it to end, and return the seconds until all its processes have ended.

        Args:
            stop: the signal, or how else it is told.
            foreground: send the signal to all processes, as a terminal does for Ctrl-C.
        """
        told_at = time.monotonic()
        if not isinstance(stop, signal.Signals):
            stop()
        elif foreground:
            os.killpg(self.pid, stop)
        else:
            os.kill(self.pid, stop)
        until(lambda: self._process.poll() is not None and not self.pids())
        return time.monotonic() - told_at

    def kill(self) -> None:
        """End all its processes at once."""
        # The first one replaces those that end, as long as it runs: nobody would end the new ones.
        self._process.kill()
        self._process.wait()
        while pids := self.pids():  # one may have forked while they were listed
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()


def session_of(pid: int) -> int | None:
    """Return the session of a process; None if it has gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def is_running(pid: int) -> bool:
    """Return True if the process has not ended."""
    try:
        return psutil.Process(pid).status() not in _ENDED
    except psutil.NoSuchProcess:
        return False


def thread_count(pid: int) -> int:
    """Return the number of threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def open_files(pid: int) -> set[Path]:
    """Return the files that a process has open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(link.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def _variables(folder: Path) -> dict[str, str]:
    """Return the tests' environment, without their coverage, and with a home in `folder`."""
    kept = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    return kept | {
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default",
    }
