"""The size of a breaker: `python -m benchmarks.memory.size KIND WINDOW full|empty`.

Prints bytes per breaker: those the process grew by (resident set), and those Python allocated for
it (tracemalloc). The former comes first, since tracing takes memory itself.
"""

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable

import psutil

from benchmarks.resources.memory_subject import drive, make
from breakerd.breaker.testing import ManualClock

CALLS = 140_000
"""How many calls fill the windows of all breakers, at most."""
BREAKERS = 200


def main(kind: str, window: int, *, full: bool) -> None:
    """Makes as many breakers as tell something, for each of the two."""
    clock = ManualClock()
    count = min(BREAKERS, CALLS // window) if full else BREAKERS
    calls = window if full else 0
    kept = [made(kind, window, clock, 100)]  # the first one pays for what all share

    def size(used: Callable[[], int]) -> float:
        gc.collect()
        before = used()
        kept.extend(made(kind, window, clock, calls) for _ in range(count))
        gc.collect()
        return (used() - before) / count

    resident = size(lambda: psutil.Process().memory_info().rss)
    tracemalloc.start()
    traced = size(lambda: tracemalloc.get_traced_memory()[0])
    print(json.dumps({"resident": resident, "traced": traced}))


def made(kind: str, window: int, clock: ManualClock, calls: int) -> object:
    """A breaker with so many calls behind it."""
    breaker = make(kind, window, clock)
    drive(breaker, clock, calls)
    breaker.status()  # takes in what calls only noted
    return breaker


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), full=sys.argv[3] == "full")
