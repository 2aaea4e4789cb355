"""The embedded service: start it, send it commands, kill it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Self

from breakerd.alerts.emulator import Emulator
from tests.support.warnings_as_errors import PYTHON_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
PYTHON = (sys.executable, *PYTHON_OPTIONS, "-m")


def variables(emulator: Emulator) -> dict[str, str]:
    """With which a process pages that emulator."""
    return os.environ | {"OPSGENIE_API_URL": emulator.url, "OPSGENIE_API_KEY": "test-key"}


class Embedded:
    """One process; ready when it is made.

    Args:
        file: its settings.
        emulator: whom it pages.
        opened: breakers that are open from its start.
        environment: variables beside those of the emulator.
        nursery: what forks it, with its own variables; otherwise Python is started.
    """

    def __init__(
        self,
        file: Path,
        emulator: Emulator,
        *opened: str,
        environment: dict[str, str] | None = None,
        nursery: Nursery | None = None,
    ) -> None:
        self.log = ""
        self._logged = threading.Condition()
        self._process: Forked | subprocess.Popen[str]
        if nursery is not None:
            self._process = nursery.fork(str(file), *opened)
        else:
            self._process = subprocess.Popen(
                [*PYTHON, "tests.support.embedded_host", str(file), *opened],
                cwd=ROOT,
                env=variables(emulator) | (environment or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        ready = self._out.readline()
        if ready != "ready\n":
            self.stop(signal.SIGKILL)
            raise AssertionError(f"it did not start: {ready!r} {self.log}")

    def tell(self, command: str) -> None:
        """Send a command, and wait until it is executed."""
        self._ask(command)
        assert self._out.readline() == "ok\n", self.log

    def health(self) -> dict[str, Any]:
        """Return the status of its alerting."""
        self._ask("health")
        answer: dict[str, Any] = json.loads(self._out.readline())
        assert self._out.readline() == "ok\n", self.log
        return answer

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends it: by that signal, or in good order if that is SIGTERM."""
        if number is signal.SIGTERM:
            self._in.close()
        elif self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(30)
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def wait_for_log(self, text: str, timeout: float = 30.0) -> None:
        """Waits until that is in its log."""
        with self._logged:
            assert self._logged.wait_for(lambda: text in self.log, timeout), self.log

    def _ask(self, command: str) -> None:
        self._in.write(command + "\n")
        self._in.flush()

    @property
    def _in(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._logged:
                self.log += line
                self._logged.notify_all()


class Nursery:
    """Starts services that page `emulator`, in no time; for one thread. See `nursery.py`."""

    def __init__(self, emulator: Emulator) -> None:
        self._asking, asked = socket.socketpair()
        with asked:
            self._process = subprocess.Popen(
                [*PYTHON, "tests.support.process_supervisor", str(asked.fileno())],
                cwd=ROOT,
                env=variables(emulator),
                stdin=subprocess.DEVNULL,
                pass_fds=[asked.fileno()],
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._asking.close()
        self._process.wait(30)

    def fork(self, *arguments: str) -> Forked:
        """One more service."""
        (stdin, to_it), (from_it, stdout), (errors, stderr) = (os.pipe() for _ in range(3))
        theirs = [stdin, stdout, stderr]
        socket.send_fds(self._asking, [json.dumps(arguments).encode()], theirs)
        for pipe in theirs:
            os.close(pipe)
        child = int(self._asking.recv(100))
        return Forked(
            os.pidfd_open(child), os.fdopen(to_it, "w"), os.fdopen(from_it), os.fdopen(errors)
        )


class Forked:
    """A process that is no child of this one, with what of `subprocess.Popen` is needed here."""

    def __init__(self, process: int, stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> None:
        self._process: int | None = process
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr

    def poll(self) -> int | None:
        """Not None once it was seen to end."""
        return 0 if self._process is None else None

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    def wait(self, timeout: float) -> None:
        if self._process is None:
            return
        ended, _, _ = select.select([self._process], [], [], timeout)
        assert ended, "it did not end"
        os.close(self._process)
        self._process = None
