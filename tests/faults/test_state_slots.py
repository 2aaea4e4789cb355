"""Several processes with one `state_file`: killed, restarted and forked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest

from breakerd import Registry, StateAutosaver
from tests.support.program import run_program

WORKER = """
import json, os, sys
from breakerd import Registry, StateAutosaver

registry = Registry(memory=lambda: 0.1)
saver = StateAutosaver(registry, sys.argv[1], interval=float(sys.argv[2]))
breaker = registry.get("payments")
for line in sys.stdin:
    command, *rest = line.split()
    if command == "start":
        saver.start()
    elif command == "open":
        breaker.force_open(rest[0])
    elif command == "reset":
        breaker.reset()
    elif command == "save":
        saver.save()
    elif command == "close":
        saver.close()
    elif command == "fork":
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(tell, b"x")
            sys.stdin.close()
            os.read(os.open(rest[0], os.O_RDONLY), 1)
            os._exit(0)
        os.read(ready, 1)
    status = breaker.status()
    told = {name: status[name] for name in ("state", "note")}
    told |= {"file": saver.file and saver.file.name, "missing": registry.not_running().get("state")}
    print(json.dumps(told), flush=True)
saver.close()
"""


class Worker:
    """One process that saves its state."""

    def __init__(self, path: Path, interval: float = 3600) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), str(interval)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, command: str) -> dict[str, Any]:
        """Have it do something; return what it says of itself afterwards."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        """Let it end by itself."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "breakers.json"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def started(stack: ExitStack, path: Path, count: int) -> list[Worker]:
    workers = [stack.enter_context(Worker(path)) for _ in range(count)]
    for worker in workers:
        worker.tell("start")
    return workers


def test_four_restarted_workers_find_four_states(path: Path, stack: ExitStack) -> None:
    first = started(stack, path, 4)
    files = [worker.tell("look")["file"] for worker in first]
    assert files == ["breakers.json", "breakers.2.json", "breakers.3.json", "breakers.4.json"]
    for number, worker in enumerate(first[:3]):
        worker.tell(f"open told-{number}")
    for worker in first:
        worker.end()
    second = [worker.tell("look") for worker in started(stack, path, 4)]
    found = {each["file"]: each["note"] for each in second}
    assert found == dict(zip(files, ["told-0", "told-1", "told-2", ""], strict=True))


def test_workers_that_start_at_once_get_different_files(path: Path, stack: ExitStack) -> None:
    workers = [stack.enter_context(Worker(path)) for _ in range(4)]
    for worker in workers:
        assert worker.process.stdin
        worker.process.stdin.write("start\n")
        worker.process.stdin.flush()
    for worker in workers:
        assert worker.process.stdout
        worker.process.stdout.readline()
    assert len({worker.tell("look")["file"] for worker in workers}) == 4


def test_a_killed_worker_frees_its_file(path: Path, stack: ExitStack) -> None:
    keeper, killed = started(stack, path, 2)
    killed.tell("open told")
    killed.tell("save")
    killed.tell("reset")  # after the last save, and so lost
    killed.kill()
    (replaced,) = started(stack, path, 1)
    assert replaced.tell("look")["file"] == "breakers.2.json"
    assert replaced.tell("look")["note"] == "told"
    assert keeper.tell("look")["note"] == ""


def test_a_child_does_not_keep_the_file_of_a_killed_parent(path: Path, stack: ExitStack) -> None:
    (parent,) = started(stack, path, 1)
    fifo = path.with_name("fifo")
    subprocess.run(["mkfifo", fifo], check=True)
    parent.tell(f"fork {fifo}")
    parent.kill()
    (replaced,) = started(stack, path, 1)
    assert replaced.tell("look")["file"] == "breakers.json", "the child lives, and holds nothing"
    with fifo.open("w"):
        "Lets the child end."


def test_a_command_counts_more_than_what_was_saved(path: Path, stack: ExitStack) -> None:
    """The state is restored after the first use has begun, and that may be a command."""
    (before,) = started(stack, path, 1)
    before.tell("open earlier")
    before.end()
    worker = stack.enter_context(Worker(path))
    worker.tell("reset")
    assert worker.tell("start")["state"] == "CLOSED"


def test_a_worker_can_start_again(path: Path, stack: ExitStack) -> None:
    (worker,) = started(stack, path, 1)
    assert worker.tell("look")["missing"] is None
    closed = worker.tell("close")
    assert closed["file"] is None
    assert closed["missing"].endswith("breakers.json: closed")
    assert worker.tell("start")["file"] == "breakers.json"


FORKED = """
    import json, os, sys
    from breakerd import Registry, StateAutosaver

    registry = Registry(memory=lambda: 0.1)
    registry.get("payments").force_open("parent")
    with StateAutosaver(registry, sys.argv[1], interval=3600) as saver:
        read, write = os.pipe()
        if os.fork() == 0:
            missing = registry.not_running()["state"]
            registry.get("payments").reset()
            saver.close()  # as at the end of `with`: not its own
            untouched = not os.path.exists(sys.argv[1])
            with saver:
                file = saver.file.name
            os.write(write, json.dumps([missing, untouched, file]).encode())
            os._exit(0)
        os.close(write)
        with open(read, "rb") as stream:
            child = json.loads(stream.read())
        os.wait()
    print(json.dumps(child))
"""


def test_a_forked_child_claims_a_file_when_it_starts(path: Path) -> None:
    missing, untouched, file = run_program(FORKED, path)
    assert "not started in this forked process" in missing
    assert untouched
    assert file == "breakers.2.json"
    for name, note in (("breakers.json", "parent"), ("breakers.2.json", "")):
        with Registry() as registry, StateAutosaver(registry, path.with_name("other.json")):
            registry.restore(path.with_name(name))
            assert registry.get("payments").status()["note"] == note
