"""Processes that were forked from one another: one of them pages, and is followed when it dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.faults.conftest import Place
from tests.support.embedded_process import PYTHON, ROOT, variables
from tests.support.polling import until

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")

LEASE = "request_timeout = 120"
"""With it, a lease that nobody renews lasts longer than any test waits."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes."""

    name: str
    pid: int
    port: int
    before: str
    """Reason why alerting did not run before its start."""
    after: dict[str, str]

    def tell(self, command: str) -> bool:
        """Have a command executed; return True if this process sends alerts."""
        with socket.create_connection(("127.0.0.1", self.port)) as there:
            there.sendall(command.encode() + b"\n")
            answer: bool = json.loads(there.makefile().readline())
            return answer

    def kill(self) -> None:
        """End it, as if by a power failure."""
        os.kill(self.pid, signal.SIGKILL)


@contextmanager
def forked(place: Place, count: int, *how: str) -> Iterator[list[Worker]]:
    """The processes of a host with that many workers; those that are left end in good order."""
    command = [*PYTHON, "tests.support.forking_host", str(place.file), str(count), *how]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=variables(place.emulator),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        started = [Worker(**json.loads(process.stdout.readline())) for _ in range(count + len(how))]
        yield started
        process.stdin.close()
        process.wait(30)


def leader(workers: list[Worker]) -> Worker | None:
    """The one that sends; None if none does at this moment."""
    found = [worker for worker in workers if worker.tell("")]
    assert len(found) <= 1
    return found[0] if found else None


def test_four_workers_of_a_host_that_never_starts_it_are_one_sender(place: Place) -> None:
    place.write(LEASE)
    with forked(place, 4) as workers:
        assert all("never started" in worker.before for worker in workers)
        assert all(worker.after == {} for worker in workers)
        for worker in workers:
            worker.tell("open a")
        place.wait_for("a", "created P3")
        until(lambda: leader(workers))
        first = leader(workers)
        assert first is not None
        first.kill()
        left = [worker for worker in workers if worker is not first]
        until(lambda: leader(left), 30)
        left[0].tell("open b")
        place.wait_for("b", "created P3")
        for worker in left:
            worker.tell("reset a")
            worker.tell("reset b")
        place.wait_for("a", "closed")
        place.wait_for("b", "closed")
        assert place.history("a").count("created P3") == 1


def test_a_child_starts_its_own_and_follows_its_parent(place: Place) -> None:
    """Though it lives on, and though threads of the parent held locks when it was forked."""
    place.write(LEASE)
    with forked(place, 1, "started") as found:
        processes = {each.name: each for each in found}
        host, worker = processes["host"], processes["worker"]
        assert worker.before.startswith("nobody is being paged by this process: it was forked")
        assert (host.before, host.after, worker.after) == ("", {}, {})
        assert host.tell("open a"), "it had the lease, and has it after the fork"
        assert not worker.tell("open a")
        place.wait_for("a", "created P3")
        worker.tell("open b")
        place.wait_for("b", "created P3")
        host.kill()
        until(lambda: worker.tell(""), 30)
        worker.tell("open c")
        place.wait_for("c", "created P3")
        for name in ("a", "b", "c"):
            worker.tell(f"reset {name}")
        for name in ("a", "b", "c"):
            place.wait_for(name, "closed")
