"""A host that embeds many breakers and their admin plane, and does calls when told to.

    python -m benchmarks.admin.host FOLDER BREAKERS

Says where it listens. Then it takes orders, one a line on its standard input, and answers each with
one line of JSON:

    rest SECONDS             no calls for so long
    watch SECONDS EVENTS     calls for so long, while so many events are made by another thread
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
"""More than there are."""
PAUSE = 0.0005
"""Seconds that a call works: it sleeps, as one that waits for an answer does."""


def main(folder: Path, count: int) -> None:
    """Serves until it is ended."""
    file = folder / "breakers.toml"
    file.write_text("".join(f"[breakers.b{number}]\n" for number in range(1, count)))
    registry = Registry.from_file(file)
    app = FastAPI()
    app.include_router(admin_router(registry, settings=ApiSettings(event_streams=READERS)))
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        # As uvicorn's own way of listening has it: no answer waits for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        orders = threading.Thread(target=obey, args=(Host(list(registry)),), daemon=True)
        orders.start()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run([listener])


def obey(host: "Host") -> None:
    """Carries out one order after the other."""
    for line in sys.stdin:
        order, *numbers = line.split()
        print(json.dumps(getattr(host, order)(*map(float, numbers))), flush=True)
    os._exit(0)  # who gave the orders is gone


class Host:
    """What goes on in it: calls at one half of the breakers, events of the other."""

    def __init__(self, breakers: list[Breaker]) -> None:
        middle = (len(breakers) + 1) // 2
        self._called, self._moved = breakers[:middle], breakers[middle:]

    def rest(self, seconds: float) -> dict[str, float]:
        """The share of a core that breakers use by themselves."""
        before = time.process_time()
        time.sleep(seconds)
        return {"cpu": (time.process_time() - before) / seconds}

    def watch(self, seconds: float, events: float) -> dict[str, float]:
        """What `allow` and `done` cost together, in ns, and an event the thread that makes it.

        How many calls there were tells how soon the thread runs again when its call is over.
        """
        moved: list[int] = []
        maker = threading.Thread(target=self._make, args=(int(events), seconds, moved))
        before = time.process_time()
        maker.start()
        costs = self._call(seconds)
        maker.join()
        return {
            "calls": len(costs) / seconds,
            "p50": percentile(costs, 0.5),
            "p99": percentile(costs, 0.99),
            "event_p50": percentile(moved, 0.5),
            "cpu": (time.process_time() - before) / seconds,
        }

    def _call(self, seconds: float) -> list[int]:
        """Calls, round all breakers; the costs of the two ends of each, in ns."""
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

    def _make(self, count: int, seconds: float, moved: list[int]) -> None:
        """Opens and closes breakers, turn about, at a steady pace; `moved` takes the ns of each."""
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
    """That share of them is lower; 0 of none."""
    return sorted(numbers)[int(len(numbers) * share)] if numbers else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
