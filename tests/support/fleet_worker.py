"""A process of a service under test: it calls a dependency, and does what it is asked to.

It is asked over a connection by (name, arguments), and answers with `("answer", value)`; meanwhile
it tells of each state of its breaker by `("state", name, time of the monotonic clock)`.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

import breakerd.alerts.alerting  # noqa: F401 - once, before the processes are forked
from breakerd import Breakerd, BreakerError, Event, Transition
from breakerd.breaker.fleet.hub.file.records import SqliteRecords
from breakerd.breaker.fleet.runtime import commands

CALLS_PER_SECOND: Final = 25.0
TIMEOUT: Final = 1.0
PAGED: Final = "OPSGENIE_API_URL"
"""Variable whose presence lets the processes page."""
SPARE: Final = "spare"
"""Breaker of each process that is called once."""


def run(connection: Connection, config: str, environ: dict[str, str], folder: str) -> None:
    """Work as a process that makes its breakers itself."""
    os.chdir(folder)
    os.environ.update(environ)
    Worker(connection, _open(config)).serve()


def run_forked(connections: list[Connection], config: str, folder: str) -> None:
    """Fork a process for each connection, after the breakers were made, as a pre-forking server."""
    os.chdir(folder)
    breakers = _open(config)
    children = []
    for connection in connections:
        child = os.fork()
        if child == 0:
            Worker(connection, breakers).serve()
            return
        connection.close()
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def run_forking(connections: list[Connection], config: str, folder: str) -> None:
    """Work as a process that, when it is asked, forks one for each further connection."""
    os.chdir(folder)
    own, *others = connections
    Worker(own, _open(config), others).serve()


def _open(config: str) -> Breakerd:
    commands.ANSWER_TIME = 30.0  # type: ignore[misc]  # tests assert the seconds themselves
    return Breakerd(config, alerting=PAGED in os.environ, memory=lambda: 0.1)


class Worker:
    """Calls of one process, and what it is asked to do."""

    def __init__(
        self, connection: Connection, breakers: Breakerd, others: Sequence[Connection] = ()
    ) -> None:
        self._connection = connection
        self._others = list(others)
        """Connections of those that are to be forked."""
        self._children: list[int] = []
        self._breakers = breakers
        self._sending = threading.Lock()
        self._breaker = breakers.get("dependency")
        self._unsubscribe = self._breaker.subscribe(self._tell)
        self._spare = breakers.get(SPARE)
        self._path = 0
        """Port that calls go to."""
        self.rate = CALLS_PER_SECOND
        self._resting = threading.Event()
        self._caller: threading.Thread | None = None

    def serve(self) -> None:
        """Do what is asked until asked to end."""
        self._send("pid", os.getpid())
        while True:
            name, arguments = self._connection.recv()
            if name == "end":
                self._rest()
                self._breakers.close()
                for child in self._children:
                    os.waitpid(child, 0)
                self._send("answer", None)
                return
            try:
                answer = getattr(self, name)(*arguments)
            except Exception as error:  # noqa: BLE001 - the test is to see it
                answer = repr(error)
            self._send("answer", answer)

    # --- what may be asked

    def call(self, port: int, rate: float = CALLS_PER_SECOND) -> None:
        """Call that port from now on, so many times a second; the other breaker is called once."""
        self._path, self.rate = port, rate
        if self._caller is None:
            with self._spare.guard():
                pass
            self._caller = threading.Thread(target=self._keep_calling, daemon=True)
            self._caller.start()

    def command(self, name: str, breaker: str = "dependency") -> tuple[str, float]:
        """Command a breaker in all processes; return the result, and the seconds it took."""
        began = time.monotonic()
        result = getattr(self._breakers.fleet, name)(breaker)
        return str(result), time.monotonic() - began

    def trip_here(self) -> None:
        """Open the breaker of this process until somebody ends it."""
        self._breaker.force_open()

    def state(self, breaker: str = "dependency") -> str:
        """Return a breaker's state."""
        return self._breakers.get(breaker).state.value

    def hub_up(self) -> bool:
        """Return True if the hub answers."""
        return self._breakers.fleet.hub().up

    def members(self) -> list[tuple[str, bool]]:
        """Return host, and whether it is silent, of each process with calls."""
        entries = self._breakers.fleet.members()
        return [(each.info.host, each.silent) for each in entries if each.breakers]

    def hub_kind(self) -> str:
        """Return what kind of hub has answered this process."""
        session = self._breakers.fleet._runtime.session
        return session.settings.address.kind.value if session and session.view else "none"

    def fork(self) -> None:
        """Fork a process that serves the next connection, while all threads of this one run."""
        connection = self._others.pop(0)
        child = os.fork()
        if child == 0:
            self._unsubscribe()
            self._connection.close()
            Worker(connection, self._breakers).serve()
            os._exit(0)
        connection.close()
        self._children.append(child)

    def stop_in_exchange(self) -> None:
        """Stop this process in its next exchange with a file, just before that is committed."""
        save = SqliteRecords.save

        def save_and_stop(records: SqliteRecords, now: float) -> None:
            save(records, now)
            SqliteRecords.save = save  # type: ignore[method-assign]  # once
            # By one to the process, another thread is stopped first, and this one may commit.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

        SqliteRecords.save = save_and_stop  # type: ignore[assignment,method-assign]  # in the middle

    def threads(self) -> list[str]:
        """Return the names of all threads."""
        return [thread.name for thread in threading.enumerate()]

    def reload(self) -> bool:
        """Read the file again."""
        config = self._breakers.registry.config
        return config is not None and config.reload()

    def change(self, values: dict[str, int]) -> dict[str, Any]:
        """Change settings of the breaker, by dotted names; return all that are in force."""
        if values:
            self._breakers.registry.change("dependency", values)
        return self._breaker.settings.model_dump(mode="json")

    def drift(self) -> list[str]:
        """Return the settings of this host that differ from those set for all."""
        return [str(each) for each in self._breakers.fleet.drift()]

    def slowest(self) -> float:
        """Return the most seconds that a call took beside its work since the last question."""
        slowest, self._slowest = self._slowest, 0.0
        return slowest

    def answer_time(self, seconds: float) -> None:
        """Let commands wait at most so long for the processes."""
        commands.ANSWER_TIME = seconds  # type: ignore[misc]  # as above

    def calls(self) -> int:
        """Return how many calls were made or rejected so far."""
        return self._calls

    _slowest = 0.0
    _calls = 0

    # --- calls

    def _keep_calling(self) -> None:
        while not self._resting.wait(1 / self.rate):
            with suppress(BreakerError, OSError):
                self._call_once()

    def _call_once(self) -> None:
        began, worked = time.monotonic(), 0.0
        try:
            with self._breaker.guard():
                allowed = time.monotonic()
                try:
                    self._work()
                finally:
                    worked = time.monotonic() - allowed
        finally:
            self._calls += 1
            self._slowest = max(self._slowest, time.monotonic() - began - worked)

    def _work(self) -> None:
        with socket.create_connection(("127.0.0.1", self._path), TIMEOUT) as asked:
            asked.sendall(b"?")
            if asked.recv(1) != b"!":
                raise ConnectionError("no answer")

    def _rest(self) -> None:
        self._resting.set()
        if self._caller is not None:
            self._caller.join()

    def _tell(self, event: Event) -> None:
        if isinstance(event, Transition):
            self._send("state", event.to_state.value, time.monotonic())

    def _send(self, *message: Any) -> None:
        with self._sending, suppress(OSError):  # the test may be over
            self._connection.send(message)
