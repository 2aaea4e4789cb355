"""Processes of a service as a test sees them, and the dependency that they call."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support import fleet_worker
from tests.support.thoroughness import THOROUGH

PATIENCE: Final = 1.0 if THOROUGH and os.getloadavg()[0] <= (os.cpu_count() or 1) else 5.0
"""Factor of times in real processes: the stated ones hold on a machine that is quiet."""
LIMIT: Final = 60.0
"""Seconds after which something that was to happen has not happened."""
WARM: Final = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["__main__", "tests.support.paging_worker"])
SETTINGS: Final = """
[slo]
success_rate = 0.95
timeout = 0.5
warmup = 0
[breakers.dependency]
"""


class Process:
    """One process of the service; `states` are those of its breaker, with the times they began."""

    def __init__(self, connection: Connection) -> None:
        self.states: list[tuple[str, float]] = []
        self.pid = 0
        self._connection = connection
        self._news = threading.Condition()
        self._answers: list[Any] = []
        self._gone = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._wait(lambda: self.pid or self._gone)

    def ask(self, name: str, *arguments: object) -> Any:
        """Return what the process answers; see `fleet_worker.Worker`."""
        self.send(name, *arguments)
        return self.answer()

    def send(self, name: str, *arguments: object) -> None:
        self._connection.send((name, arguments))

    def answer(self) -> Any:
        self._wait(lambda: self._answers or self._gone)
        assert self._answers, "the process has ended"
        return self._answers.pop(0)

    def wait_for(self, state: str, since: float = 0.0) -> float:
        """Wait until the breaker enters that state; return when it did."""

        def found() -> list[float]:
            return [at for name, at in self.states if name == state and at >= since]

        self._wait(found)
        return found()[0]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._reader.join()

    def end(self) -> None:
        if not self._gone:
            with suppress(OSError):
                self.send("end")
        self._reader.join()
        self._connection.close()

    def _read(self) -> None:
        while True:
            try:
                kind, *values = self._connection.recv()
            except (EOFError, OSError):
                break
            with self._news:
                if kind == "pid":
                    (self.pid,) = values
                elif kind == "state":
                    self.states.append((values[0], values[1]))
                else:
                    self._answers.append(values[0])
                self._news.notify_all()
        with self._news:
            self._gone = True
            self._news.notify_all()

    def _wait(self, condition: Callable[[], object]) -> None:
        with self._news:
            assert self._news.wait_for(lambda: bool(condition()), LIMIT), (
                f"it did not happen in time; states: {self.states}"
            )


@contextmanager
def forked(config: Path, number: int) -> Iterator[list[Process]]:
    """Run processes that were forked from one that had made the breakers."""
    pipes = [WARM.Pipe() for _ in range(number)]
    theirs = [pipe[1] for pipe in pipes]
    parent = WARM.Process(
        target=fleet_worker.run_forked, args=(theirs, str(config), str(config.parent))
    )
    parent.start()
    with _running([pipe[0] for pipe in pipes], theirs, [parent]) as processes:
        yield processes


@contextmanager
def started(config: Path, environs: Sequence[dict[str, str]]) -> Iterator[list[Process]]:
    """Run a process for each of these environments."""
    pipes = [WARM.Pipe() for _ in environs]
    theirs = [pipe[1] for pipe in pipes]
    children = [
        WARM.Process(target=fleet_worker.run, args=(own, str(config), environ, str(config.parent)))
        for own, environ in zip(theirs, environs, strict=True)
    ]
    for child in children:
        child.start()
    with _running([pipe[0] for pipe in pipes], theirs, children) as processes:
        yield processes


@contextmanager
def forking(config: Path) -> Iterator[tuple[Process, Callable[[], Process]]]:
    """Run a process that can be told, once, to fork; yield it, and what returns the child."""
    pipes = [WARM.Pipe() for _ in range(2)]
    ours, theirs = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
    parent = WARM.Process(
        target=fleet_worker.run_forking, args=(theirs, str(config), str(config.parent))
    )
    parent.start()
    children: list[Process] = []
    with _running(ours[:1], theirs, [parent]) as (process,):

        def fork() -> Process:
            process.ask("fork")
            children.append(Process(ours[1]))
            return children[0]

        try:
            yield process, fork
        finally:
            for child in children:
                child.end()


@contextmanager
def _running(
    ours: list[Connection], theirs: list[Connection], children: list[Any]
) -> Iterator[list[Process]]:
    for connection in theirs:
        connection.close()
    processes = [Process(connection) for connection in ours]
    try:
        yield processes
    finally:
        for process in processes:
            process.end()
        for child in children:
            child.join(LIMIT)
            if child.is_alive():
                child.kill()
                child.join()
            child.close()


class Dependency:
    """Server that answers calls, or ends them without an answer while it is down.

    `calls` has the time of each call on the monotonic clock, and whether it was answered.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[float, bool]] = []
        self.down = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def failures(self, since: float = 0.0) -> list[float]:
        """Return the times of calls that were not answered."""
        return [at for at, answered in list(self.calls) if not answered and at > since]

    def _serve(self) -> None:
        while True:
            try:
                asked, _ = self._listener.accept()
            except OSError:
                return
            with asked, suppress(OSError):
                answers = not self.down
                self.calls.append((time.monotonic(), answers))
                if answers:
                    asked.recv(1)
                    asked.sendall(b"!")


def most_in_a_second(times: Sequence[float]) -> int:
    """Return the highest number of these times that lie within one second."""
    return max((sum(1 for at in times if 0 <= at - first < 1) for first in times), default=0)


@contextmanager
def closed_port() -> Iterator[int]:
    """Return a port on which nobody listens: a path that is broken for who uses it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
