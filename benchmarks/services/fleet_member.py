"""A process of a fleet, whose calls are timed.

    python -m benchmarks.services.fleet_member HUB

Prints `ready` once the hub has answered. Then it answers each line of its input with one of JSON:
for `cost CALLS` the nanoseconds of CPU time a call, with all that the process does meanwhile; for
`tail SECONDS` the 99.9th percentile of the nanoseconds that a call takes. Both say whether the hub
has answered lately.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from benchmarks.harness.call_forms import ALLOW_DONE
from benchmarks.harness.noop_pair import nothing
from benchmarks.harness.timed_loop import Loop, plain
from breakerd import Breaker, Breakerd

_TAIL: Final = 0.999
_CHUNK: Final = 10_000
"""Calls between two looks at the clock."""


def main() -> None:
    """Run until the end of the input."""
    hub = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        file = Path(folder, "breakers.toml")
        file.write_text(f'[breakers.payments]\n[fleet]\nhub = "{hub}"\nname = "bench"\n')
        with Breakerd(file, alerting=False, state=False, memory=lambda: 0.1) as breakers:
            serve(breakers, breakers.get("payments"))


def serve(breakers: Breakerd, breaker: Breaker) -> None:
    """Answer the questions."""
    loop = plain(ALLOW_DONE, b=breaker, clock=breaker.clock, f=nothing)
    loop.run(100)
    while breakers.fleet.in_force and not breakers.fleet.hub().up:
        time.sleep(0.01)
    print("ready", flush=True)
    for line in sys.stdin:
        what, number = line.split()
        value = cost(breaker, loop, int(number)) if what == "cost" else tail(breaker, float(number))
        print(json.dumps({"value": value, "up": breakers.fleet.hub().up}), flush=True)


def cost(breaker: Breaker, loop: Loop, calls: int) -> float:
    """Return the nanoseconds of CPU time that a call costs, with what it leaves for later."""
    if loop.renew is not None:
        loop.renew()
    turns = max(1, calls // loop.calls)
    loop.run(max(1, turns // 20))
    begin, _ = loop.run(turns)
    breaker.counters()
    return (loop.now() - begin) / (turns * loop.calls)


def tail(breaker: Breaker, seconds: float) -> float:
    """Return the 99.9th percentile of the nanoseconds of the calls within so many seconds."""
    allow, done, clock, now = breaker.allow, breaker.done, breaker.clock, perf_counter_ns
    ends = now() + int(seconds * 1e9)
    times: list[int] = []
    while now() < ends:
        for _ in range(_CHUNK):
            begin = now()
            if allow():
                start = clock()
                done(start, clock())
            times.append(now() - begin)
    times.sort()
    return float(times[int(_TAIL * len(times))])


if __name__ == "__main__":
    main()
