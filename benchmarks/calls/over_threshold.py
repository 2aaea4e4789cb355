"""Latency above its threshold, and not rising: with trend analysis the breaker must stay closed.

So it has to look at the trend again and again: what is hardest to do cheaply.
"""

import time
from contextlib import ExitStack
from itertools import cycle

from benchmarks.calls.breaker_under_test import Subject, entered
from benchmarks.calls.comparison import Contest, Contestant, Row, Unwatched
from benchmarks.calls.noop_pair import EmptyBreaker, nothing
from benchmarks.calls.timed_loop import plain
from benchmarks.harness.figures import Effort, Figure
from benchmarks.peers.naive_go_breaker import NaiveGoBreaker
from benchmarks.peers.peer import Rival, attribute
from breakerd import Settings

THRESHOLD = 0.05
"""Seconds."""
SECONDS = (0.005, 0.004, 0.08, 0.006, 0.003, 0.007, 0.08, 0.005)
"""A quarter of the calls is slow; the same order over and over has no trend."""
FORM = "an empty pair, durations given"
BODY = """
if b.allow():
    start = clock()
    f()
    end = clock()
    b.done(end - next(seconds), end)
"""
SIZES = (64, 1024)
NOTE = "a quarter of the calls is slow, and latency does not rise"


def measure(effort: Effort) -> list[Figure]:
    """Ours and the naive port, at two sizes of the window."""
    field = [Contestant(FORM, plain(BODY, b=EmptyBreaker(), **names()), Unwatched())]
    rows = [Row(FORM, FORM, "")]
    with ExitStack() as stack:
        ours = entered(stack, {f"over the threshold, window {n:,}": over(n) for n in SIZES})
        time.sleep(2 * max(SECONDS))  # a call said to have begun before the breaker counts for less
        field += [one.contestant(name, BODY, **names()) for name, one in ours.items()]
        for size in SIZES:
            peer = naive(size)
            field.append(Contestant(peer.name, plain(peer.body, **peer.names), peer))
        rows += [Row(one.name, one.name, FORM, label=FORM, note=NOTE) for one in field[1:]]
        return Contest(effort, field).run().figures(rows)


def over(size: int) -> Subject:
    """A breaker with trend analysis."""
    settings = Settings(
        latency_threshold=THRESHOLD * 1000, latency_window_size=size, trend_analysis_enabled=True
    )
    return Subject(settings, fill=0)  # quick calls beforehand would make it a rise


def naive(size: int) -> Rival:
    """The port of go-breaker in the same place."""
    breaker = NaiveGoBreaker(window=size, threshold=THRESHOLD * 1000, trend=True)
    breaker.samples = [1000 * SECONDS[n % len(SECONDS)] for n in range(size)]
    return Rival(
        f"naive go-breaker over the threshold, window {size:,}",
        BODY,
        {"b": breaker, **names()},
        attribute(breaker, "tripped"),
        closed=False,
        note=NOTE,
    )


def names() -> dict[str, object]:
    """What `BODY` names, but for the breaker."""
    return {"clock": time.monotonic, "f": nothing, "seconds": cycle(SECONDS)}
