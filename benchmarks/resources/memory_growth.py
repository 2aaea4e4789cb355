"""Memory kept after many calls or transitions.

    python -m benchmarks.resources.memory_growth KIND calls|transitions COUNT

Prints the growth of the process in blocks (of CPython's allocator) and bytes (resident set) between
two moments with the breaker in the same state, with a full window. Any growth was kept for the
calls, or for the transitions.
"""

import gc
import json
import sys

import psutil

from benchmarks.resources.memory_subject import call, cycle, drive, make
from breakerd.breaker.testing import ManualClock

WINDOW = 1024
TRANSITIONS_OF_A_CYCLE = 3
WARM_UP = {"calls": 50_000, "transitions": 3_000}
"""Calls or transitions before the first reading: enough for all buffers to reach their size."""


def main(kind: str, what: str, count: int) -> None:
    """Make calls on the real clock, or transitions on a simulated one, and print the growth."""
    clock = ManualClock()
    breaker = make(kind, WINDOW) if what == "calls" else make(kind, WINDOW, clock)
    breaker.subscribe(_ignore)

    def repeat(times: int) -> None:
        if what == "calls":
            call(breaker, times)
            return
        for _ in range(-(-times // TRANSITIONS_OF_A_CYCLE)):
            cycle(breaker, clock)

    def settle() -> tuple[int, int]:
        breaker.reset()
        if what == "calls":
            call(breaker, 2 * WINDOW)
        else:
            drive(breaker, clock, 2 * WINDOW)
        breaker.status()  # evaluates the calls logged so far
        gc.collect()
        return sys.getallocatedblocks(), psutil.Process().memory_info().rss

    repeat(WARM_UP[what])
    calls = breaker.counters().success
    blocks, resident = settle()
    repeat(count)
    blocks_after, resident_after = settle()
    grown = {"blocks": blocks_after - blocks, "bytes": resident_after - resident}
    print(json.dumps(grown | {"calls": breaker.counters().success - calls}))


def _ignore(event: object) -> None:
    """Ignore an event: a listener is needed for events to be made."""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
