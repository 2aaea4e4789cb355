"""What is left of many calls: `python -m benchmarks.memory.growth KIND calls|transitions COUNT`.

Prints by how many blocks of memory (as CPython's allocator counts them) and by how many bytes
(resident set) the process grew from one moment to another one in which the breaker is in the same
state, with a full window: what has grown then was kept for the calls, or for the transitions.
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
"""What comes before the first look: by then all buffers have their size."""


def main(kind: str, what: str, count: int) -> None:
    """Lets it all happen: calls on the real clock, transitions on a driven one."""
    clock = ManualClock()
    breaker = make(kind, WINDOW) if what == "calls" else make(kind, WINDOW, clock)
    breaker.subscribe(_ignore)

    def happen(times: int) -> None:
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
        breaker.status()  # takes in what calls only noted
        gc.collect()
        return sys.getallocatedblocks(), psutil.Process().memory_info().rss

    happen(WARM_UP[what])
    calls = breaker.counters().success
    blocks, resident = settle()
    happen(count)
    blocks_after, resident_after = settle()
    grown = {"blocks": blocks_after - blocks, "bytes": resident_after - resident}
    print(json.dumps(grown | {"calls": breaker.counters().success - calls}))


def _ignore(event: object) -> None:
    """Listens, so that events are made."""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
