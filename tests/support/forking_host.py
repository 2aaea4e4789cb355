"""A host that forks workers, as a pre-forking server does; each process takes commands.

Arguments: the settings, the number of workers, and `started` if the host itself starts alerting
before it forks them, with locks of alerting held by another thread. Each process that has started
says so in a line of JSON, with its id and its port. It ends at the end of its standard input.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from breakerd import Alerting, Registry


def main() -> None:
    file, count, *how = sys.argv[1:]
    registry = Registry()
    alerting = Alerting.from_file(file, registry)
    if how == ["started"]:
        alerting.start()
    with held(alerting) if how == ["started"] else ExitStack():
        workers = [os.fork() or serve(registry, alerting, "worker") for _ in range(int(count))]
    if how == ["started"]:
        serve(registry, alerting, "host")
    for worker in workers:
        os.waitpid(worker, 0)


def held(alerting: Alerting) -> ExitStack:
    """Locks of alerting, held by another thread until the stack is closed."""
    runtime, taken, free = alerting._runtime, threading.Event(), threading.Event()
    (sender,) = runtime.pipeline._threads.values()
    wakes: list[Any] = [runtime.worker._wake, sender._wake]

    def hold() -> None:
        with (
            runtime.worker._round, wakes[0]._cond, runtime.incident_log.lock,
            runtime.silences._lock, wakes[1]._cond,
        ):  # fmt: skip
            taken.set()
            free.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    stack = ExitStack()
    stack.callback(thread.join)
    stack.callback(free.set)
    return stack


def serve(registry: Registry, alerting: Alerting, name: str) -> int:
    """Start alerting in this process and execute commands; a worker does not return."""
    threading.Thread(target=answer, args=(registry, alerting, name), daemon=True).start()
    sys.stdin.read()
    alerting.close()
    if name == "worker":
        os._exit(0)
    return 0


def answer(registry: Registry, alerting: Alerting, name: str) -> None:
    before = alerting.not_running()
    alerting.start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = {
            "name": name, "pid": os.getpid(), "port": listener.getsockname()[1],
            "before": before.get("alerting", ""), "after": alerting.not_running(),
        }  # fmt: skip
        os.write(1, json.dumps(found).encode() + b"\n")
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw") as stream:
                command, _, breaker = stream.readline().strip().partition(" ")
                if command == "open":
                    registry.get(breaker).force_open("a test")
                elif command == "reset":
                    registry.get(breaker).reset()
                stream.write(json.dumps(leads(alerting)) + "\n")


def leads(alerting: Alerting) -> bool:
    return alerting._runtime.worker._components.lease.held


if __name__ == "__main__":
    assert Path(sys.argv[1]).is_file()
    main()
