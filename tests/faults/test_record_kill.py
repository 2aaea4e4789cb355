"""The process that sums a host's record is killed: nothing is counted twice, nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from breakerd.breaker.record.reader import RecordReader
from tests.support.polling import until

CALLER = """\
import signal, sys, time
from breakerd import Breakerd

going = True

def end(*_):
    global going
    going = False

signal.signal(signal.SIGTERM, end)
calls = 0
with Breakerd.from_file("b.toml", fleet=False) as breakers:
    payments = breakers.get("payments")
    while going:
        if payments.allow():
            payments.done(payments.clock(), payments.clock())
            calls += 1
        time.sleep(0.02)
print(calls)
"""
"""Calls until it is ended; the pause is between calls."""


class Caller:
    """A process that embeds breakerd."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        command = [sys.executable, "-c", CALLER]
        self.process = stack.enter_context(
            subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        )
        stack.callback(self.process.kill)

    def end(self) -> int:
        """End it in order; return the number of its calls."""
        self.process.terminate()
        out, _ = self.process.communicate(timeout=120)
        return int(out)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.toml").write_text("latency_threshold = 500\n")
    return tmp_path


@pytest.fixture
def callers(folder: Path) -> Iterator[list[Caller]]:
    with ExitStack() as stack:
        yield [Caller(stack, folder) for _ in range(3)]


def test_another_process_goes_on(folder: Path, callers: list[Caller]) -> None:
    file = folder / "var" / "breakerd-history.db"
    record = RecordReader(file)
    until(lambda: len(record.members()) == 3, 120)
    until(lambda: leader(file), 120)
    killed = leader(file)
    for caller in callers:
        if caller.process.pid == killed:
            caller.process.kill()
            caller.process.wait()
    others = [caller for caller in callers if caller.process.pid != killed]
    assert len(others) == 2
    before = calls_of(record, killed)
    until(lambda: leader(file) not in {killed, 0}, 120)
    made = {caller.process.pid: caller.end() for caller in others}
    assert {pid: calls_of(record, pid) for pid in made} == made
    assert calls_of(record, killed) == before > 0
    assert calls_of(record) == sum(made.values()) + before


def leader(file: Path) -> int:
    """PID of the process that sums; 0 where none does."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        found = database.execute(
            "SELECT name FROM lease JOIN processes ON processes.key = lease.holder"
        ).fetchone()
    return int(found[0].rpartition(":")[2]) if found else 0


def calls_of(record: RecordReader, pid: int | None = None) -> int:
    """Calls of the host, or of one of its processes."""
    (member,) = [None] if pid is None else [m for m in record.members() if m.endswith(f":{pid}")]
    slots = record.slots("payments", 0, 1e11, step=10, member=member)
    return sum(slot.calls for slot in slots)
