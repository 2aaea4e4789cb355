"""A host that embeds many breakers and their admin plane, and makes calls on command.

    python -m benchmarks.services.admin_host FOLDER BREAKERS

Prints its address. Then it executes commands, one a line on its standard input, and replies to each
with one line of JSON:

    rest SECONDS             make no calls
    watch SECONDS EVENTS     make calls, while another thread makes so many events
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from breakerd import ApiSettings, Breaker, Registry, admin_router

READERS = 1_000
"""Maximum number of event streams; more than the benchmark opens."""
PAUSE = 0.0005
"""Seconds that a call sleeps, as one does that waits for a response."""


def main(folder: Path, count: int) -> None:
    """Serve until terminated."""
    file = folder / "breakers.toml"
    file.write_text("".join(f"[breakers.b{number}]\n" for number in range(1, count)))
    registry = Registry.from_file(file)
    app = FastAPI()
    app.include_router(admin_router(registry, settings=ApiSettings(event_streams=READERS)))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        # As uvicorn does for its own sockets: no response waits for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        commands = threading.Thread(
            target=execute_commands, args=(Host(list(registry)),), daemon=True
        )
        commands.start()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run([listener])


def execute_commands(host: "Host") -> None:
    """Execute one command after the other; exit with the standard input."""
    for line in sys.stdin:
        command, *numbers = line.split()
        print(json.dumps(getattr(host, command)(*map(float, numbers))), flush=True)
    os._exit(0)  # the parent has ended


class Host:
    """The work of the host: calls of one half of the breakers, transitions of the other."""

    def __init__(self, breakers: list[Breaker]) -> None:
        middle = (len(breakers) + 1) // 2
        self._called, self._moved = breakers[:middle], breakers[middle:]

    def rest(self, seconds: float) -> dict[str, float]:
        """Return the share of a core that breakers use at rest."""
        before = time.process_time()
        time.sleep(seconds)
        return {"cpu": (time.process_time() - before) / seconds}

    def watch(self, seconds: float, events: float) -> dict[str, float]:
        """Return calls per second, and nanoseconds of `allow` plus `done` and of a transition.

        The rate of the calls shows how soon the thread runs again after each of them.
        """
        moved: list[int] = []
        maker = threading.Thread(target=self._make_events, args=(int(events), seconds, moved))
        before = time.process_time()
        maker.start()
        costs = self._make_calls(seconds)
        maker.join()
        return {
            "calls": len(costs) / seconds,
            "p50": percentile(costs, 0.5),
            "p99": percentile(costs, 0.99),
            "event_p50": percentile(moved, 0.5),
            "cpu": (time.process_time() - before) / seconds,
        }

    def _make_calls(self, seconds: float) -> list[int]:
        """Call all breakers in turn; return the nanoseconds of `allow` plus `done` of each call."""
        costs: list[int] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            breaker = self._called[len(costs) % len(self._called)]
            before = time.perf_counter_ns()
            allowed = breaker.allow()
            entered = time.perf_counter_ns()
            start = breaker.clock()
            time.sleep(PAUSE)
            stop = breaker.clock()
            left = time.perf_counter_ns()
            if allowed:
                breaker.done(start, stop)
            costs.append(time.perf_counter_ns() - left + entered - before)
        return costs

    def _make_events(self, count: int, seconds: float, moved: list[int]) -> None:
        """Open and close breakers at a steady pace; append the nanoseconds of each to `moved`."""
        start = time.monotonic()
        for number in range(count):
            breaker = self._moved[number // 2 % len(self._moved)]
            before = time.perf_counter_ns()
            if number % 2:
                breaker.reset()
            else:
                breaker.force_open("a benchmark")
            moved.append(time.perf_counter_ns() - before)
            time.sleep(max(0.0, start + (number + 1) * seconds / count - time.monotonic()))


def percentile(numbers: list[int], share: float) -> int:
    """Return the value that this share of `numbers` is below; 0 if there are none."""
    return sorted(numbers)[int(len(numbers) * share)] if numbers else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
