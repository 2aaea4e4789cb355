"""Cost of an exchange with a hub: time, bytes, and the server's share of a core.

    python -m benchmarks.studies.fleet_hubs [--members N] [--processes N] [--busy N] [--one-scope]
        [--interval S] [--steady] [--seconds S] file | URL

Forks processes that hold members; each member makes one exchange an interval, at a random time
within it, and fewer where the members are very many (not with `--steady`). It has 20 breakers, of
which some (`--busy`) had calls in each second. For `file`, the hub is a file in a temporary folder;
otherwise a server at the URL, whose fleet `bench` must be free.
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
from typing import Any, Final, NamedTuple

from breakerd.breaker.fleet.hub.factory import make_hub
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.hub.redis.clients import make_client
from breakerd.breaker.fleet.hub.redis.script import Client
from breakerd.breaker.fleet.member import interval_of
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

BREAKERS: Final = 20
WARM_UP: Final = 3.0
"""Intervals before the first exchange that counts."""


def main() -> None:
    """Measure, and print one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--busy", type=int, default=BREAKERS)
    parser.add_argument("--one-scope", action="store_true", help="neither hosts nor zones")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between exchanges")
    parser.add_argument("--steady", action="store_true", help="no longer one in a large fleet")
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
        pace = (options.interval, options.steady)
        plan = Plan(own, options.busy, options.seconds, options.one_scope, *pace)
        arguments = (settings, folder, plan, pool)
        processes.append(context.Process(target=play, args=arguments))
    before = usage_of(server)
    began = time.monotonic()
    for process in processes:
        process.start()
    found = [pool.get() for _ in processes]
    passed = time.monotonic() - began
    used = usage_of(server)
    for process in processes:
        process.join()
    times = sorted(each for result in found for each in result["times"])
    print(
        f"{options.hub}: {options.members} members in {options.processes} processes, "
        f"{options.busy} of {BREAKERS} breakers busy: {len(times)} exchanges, "
        f"p50 {statistics.median(times) * 1e3:.2f} ms, p99 {_at(times, 0.99) * 1e3:.2f} ms, "
        f"max {times[-1] * 1e3:.1f} ms, failed {sum(each['failed'] for each in found)}"
    )
    if server is not None:
        made = sum(each["made"] for each in found)
        print(
            f"server: {(used.cpu - before.cpu) / passed:.1%} of a core, "
            f"{(used.cpu - before.cpu) / made * 1e3:.2f} ms an exchange; "
            f"{(used.received - before.received) / made:.0f} bytes up and "
            f"{(used.sent - before.sent) / made:.0f} down an exchange"
        )


class Plan(NamedTuple):
    """Role of a process: members, busy breakers, seconds, scopes, interval, and if that stays."""

    members: range
    busy: int
    seconds: float
    one_scope: bool
    interval: float
    steady: bool


def play(settings: FleetSettings, folder: Path, plan: Plan, pool: Any) -> None:
    """Play members in this process, and put what was measured into `pool`."""
    hub = make_hub(settings, folder / "bench.db")
    if hub is None:
        raise SystemExit("no hub")
    made = [Member(number, plan, hub) for number in plan.members]
    start = time.monotonic()
    phases = [random.random() * plan.interval for _ in made]  # noqa: S311 - no secret
    due = [(start + phase, index) for index, phase in enumerate(phases)]
    heapq.heapify(due)
    times, failed, count = [], 0, 0
    while (first := due[0])[0] < start + WARM_UP * plan.interval + plan.seconds:
        time.sleep(max(0.0, first[0] - time.monotonic()))
        began = time.monotonic()
        try:
            made[first[1]].exchange()
        except ConnectionError:
            failed += 1
        count += 1
        if began > start + WARM_UP * plan.interval:
            times.append(time.monotonic() - began)
        interval = made[first[1]].next_interval()
        heapq.heapreplace(due, (first[0] + interval, first[1]))
    pool.put({"times": times, "failed": failed, "made": count})


class Member:
    """A member whose breakers have a few calls in each second."""

    def __init__(self, number: int, plan: Plan, hub: Hub) -> None:
        place = ("", "") if plan.one_scope else (f"host{number // 4}", f"zone{number % 3}")
        self._info = MemberInfo(f"{number:06x}{os.getpid()}", 1, *place, "web")
        if isinstance(hub, FileHub):
            self._info = self._info._replace(one_host=True)
        self._plan = plan
        self._hub = hub
        self._seq = 0
        self._view: View | None = None
        self._windows = [deque[Slot](maxlen=WINDOW_SLOTS) for _ in range(BREAKERS)]

    def exchange(self) -> None:
        """Make one exchange."""
        self._seq += 1
        now = int(time.time())
        for window in list(self._windows)[: self._plan.busy]:
            last = window[-1].number if window else now - WINDOW_SLOTS
            for number in range(max(last, now - WINDOW_SLOTS) + 1, now + 1):
                calls = random.randint(1, 9)  # noqa: S311 - no secret
                window.append(Slot(number, calls, calls // 9, calls, 40 * calls, calls))
        self._view = self._hub.exchange(self._report())

    def next_interval(self) -> float:
        """Return the seconds until the next exchange, as a member of no episode reckons."""
        if self._plan.steady or self._view is None:
            return self._plan.interval
        chance = random.random()  # noqa: S311 - no secret
        return interval_of(self._plan.interval, self._view.members, chance)

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


class Usage(NamedTuple):
    """Seconds of a core and bytes that a server has used since its start."""

    cpu: float
    received: int
    sent: int


def usage_of(server: Client | None) -> Usage:
    """Return what the server has used; nothing without one."""
    if server is None:
        return Usage(0.0, 0, 0)
    cpu = server.execute_command("INFO", "cpu")
    net = server.execute_command("INFO", "stats")
    return Usage(
        float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"]),
        int(net["total_net_input_bytes"]),
        int(net["total_net_output_bytes"]),
    )


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    main()
