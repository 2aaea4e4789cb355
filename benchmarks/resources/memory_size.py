"""Size of a breaker: `python -m benchmarks.resources.memory_size KIND WINDOW full|empty`.

Prints bytes per breaker: the growth of the process (resident set), and Python's allocations
(tracemalloc). The former is measured first, since tracing takes memory itself.
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
"""Maximum number of calls to fill the windows of all breakers."""
BREAKERS = 200


def main(kind: str, window: int, *, full: bool) -> None:
    """Make enough breakers for each of the two measurements, and print the sizes."""
    clock = ManualClock()
    count = min(BREAKERS, CALLS // window) if full else BREAKERS
    calls = window if full else 0
    kept = [made(kind, window, clock, 100)]  # the first one allocates what all share

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
    """Return a breaker after `calls` calls."""
    breaker = make(kind, window, clock)
    drive(breaker, clock, calls)
    breaker.status()  # evaluates the calls logged so far
    return breaker


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), full=sys.argv[3] == "full")
