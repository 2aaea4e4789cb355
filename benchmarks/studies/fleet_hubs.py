"""Cost of an exchange with a hub: time, bytes, and the server's share of a core.

    python -m benchmarks.studies.fleet_hubs [--members N] [--processes N] [--busy N] [--seconds S]
        file | URL

Forks processes that hold members; each member makes one exchange a second, at a random time within
it, for 20 breakers, of which some (`--busy`) had calls in each second. For `file`, the hub is a
file in a temporary folder; otherwise a server at the URL, whose fleet `bench` must be free.
"""

import argparse
import heapq
import os
import random
import statistics
import tempfile
import time
from collections import deque
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from breakerd.breaker.fleet.hub.factory import make_hub
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.messages import report_arguments
from breakerd.breaker.fleet.hub.redis.script import Client
from breakerd.breaker.fleet.messages import (
    WINDOW_SLOTS,
    BreakerReport,
    MemberInfo,
    Report,
    ScopeReport,
    Slot,
    Totals,
    View,
)
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.wire import encode

BREAKERS: Final = 20
WARM_UP: Final = 3.0
"""Seconds before the first exchange that counts."""


def main() -> None:
    """Measure, and print one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--busy", type=int, default=BREAKERS)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("hub")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options, Path(folder))


def run(options: argparse.Namespace, folder: Path) -> None:
    """Run the members, and print times, bytes and the server's load."""
    settings = FleetSettings(hub=options.hub, name="bench")
    server = make_client(settings) if settings.address.remote else None
    context = get_context("fork")
    pool = context.Queue()
    processes = []
    for number in range(options.processes):
        own = range(number, options.members, options.processes)
        arguments = (settings, folder, own, options.busy, options.seconds, pool)
        processes.append(context.Process(target=play, args=arguments))
    before = _usage(server)
    began = time.monotonic()
    for process in processes:
        process.start()
    found = [pool.get() for _ in processes]
    passed = time.monotonic() - began
    load = (_usage(server) - before) / passed
    for process in processes:
        process.join()
    times = sorted(each for result in found for each in result["times"])
    print(
        f"{options.hub}: {options.members} members in {options.processes} processes, "
        f"{options.busy} of {BREAKERS} breakers busy: {len(times)} exchanges, "
        f"p50 {statistics.median(times) * 1e3:.2f} ms, p99 {_at(times, 0.99) * 1e3:.2f} ms, "
        f"max {times[-1] * 1e3:.1f} ms, failed {sum(r['failed'] for r in found)}; "
        f"up {statistics.mean(r['up'] for r in found):.0f} and down "
        f"{statistics.mean(r['down'] for r in found):.0f} bytes an exchange; "
        f"server {load:.1%} of a core"
    )


def play(
    settings: FleetSettings, folder: Path, members: range, busy: int, seconds: float, pool: Any
) -> None:
    """Play members in this process, and put what was measured into `pool`."""
    hub = make_hub(settings, folder / "bench.db")
    if hub is None:
        raise SystemExit("no hub")
    made = [Member(number, busy, hub) for number in members]
    start = time.monotonic()
    due = [(start + random.random(), index) for index in range(len(made))]  # noqa: S311 - no secret
    heapq.heapify(due)
    times, failed = [], 0
    while (first := due[0])[0] < start + WARM_UP + seconds:
        time.sleep(max(0.0, first[0] - time.monotonic()))
        began = time.monotonic()
        try:
            made[first[1]].exchange()
        except ConnectionError:
            failed += 1
        if began > start + WARM_UP:
            times.append(time.monotonic() - began)
        heapq.heapreplace(due, (first[0] + 1.0, first[1]))
    one = made[0]
    pool.put({"times": times, "failed": failed, "up": one.bytes_up, "down": one.bytes_down})


class Member:
    """A member whose breakers have a few calls in each second."""

    def __init__(self, number: int, busy: int, hub: Hub) -> None:
        self._info = MemberInfo(
            f"{number:06x}{os.getpid()}", 1, f"host{number // 4}", f"zone{number % 3}", "web"
        )
        self._busy = busy
        self._hub = hub
        self._seq = 0
        self._view: View | None = None
        self._windows = [deque[Slot](maxlen=WINDOW_SLOTS) for _ in range(BREAKERS)]

    def exchange(self) -> None:
        """Make one exchange."""
        self._seq += 1
        now = int(time.time())
        for window in list(self._windows)[: self._busy]:
            calls = random.randint(1, 9)  # noqa: S311 - no secret
            window.append(Slot(now, calls, calls // 9, calls, 40 * calls, calls))
        self._view = self._hub.exchange(self._report())

    @property
    def bytes_up(self) -> int:
        """Bytes of the last report, without the framing."""
        return sum(len(each.encode()) for each in report_arguments(self._report()))

    @property
    def bytes_down(self) -> int:
        """Bytes of the last view."""
        return len(encode(self._view)) if self._view else 0

    def _report(self) -> Report:
        scopes = tuple(ScopeReport(scope) for scope in self._info.scopes)
        breakers = []
        for number, window in enumerate(self._windows):
            calls = sum(slot.calls for slot in window)
            sketch = (100, *(calls // 8 for _ in range(12))) if calls else ()
            totals = Totals(calls, usual_milli=300)
            pool = f"breaker-{number}|web-0123abcd"
            breakers.append(BreakerReport(pool, "closed", tuple(window), totals, sketch, scopes))
        epoch, version = ("", 0)
        if self._view:
            epoch, version = self._view.epoch, self._view.register_version
        return Report(self._info, self._seq, epoch, version, tuple(breakers))


def _usage(server: Client | None) -> float:
    """Return the seconds of a core that the server has used; 0 without one."""
    if server is None:
        return 0.0
    found = server.execute_command("INFO", "cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    main()
