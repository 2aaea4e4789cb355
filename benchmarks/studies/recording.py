"""Cost of the history: how much longer it takes to take calls in, with it and without.

    python -m benchmarks.studies.recording [ROUNDS]

A batch is what the fast path has logged since the last time. A call is one that is slow or failed,
from `done` to the end. A second is the end of one slot and the begin of the next, once a second at
most. Both candidates are measured once a round, in turn; the figure is the median of the ratios.
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from breakerd import Breaker, Settings
from breakerd.breaker.context import Priority
from breakerd.breaker.history.history import History
from breakerd.breaker.history.tally import Tally
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.states import State

Work = Callable[[Breaker, float], None]
"""Takes something in, at a time of the breaker's clock."""
BATCHES = 200
"""Batches, calls or seconds of a measurement."""


def main() -> None:
    """Print a table of what is taken in."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    rng = random.Random(1)  # noqa: S311 - to be the same each time
    print("| taken in | ratio | microseconds more |")
    print("| --- | ---: | ---: |")
    for size in (1, 32, 4096):
        short = [0.0005] * size
        spread = [rng.lognormvariate(-5.3, 1.0) for _ in range(size)]
        report(f"batch of {size}, up to 1 ms each", rounds, batch(short, short=True))
        report(f"batch of {size}, about 5 ms", rounds, batch(spread, short=False))
    report("a call that failed", rounds, failed_call)
    report("a second, with a batch of 32", rounds, next_second())


def report(name: str, rounds: int, work: Work) -> None:
    """Measure, and print a row."""
    ratios, differences = [], []
    with_history, without = subject(kept=True), subject(kept=False)
    for _ in range(rounds + 1):
        seconds = [measure(work, each) for each in (with_history, without)]
        ratios.append(seconds[0] / seconds[1])
        differences.append((seconds[0] - seconds[1]) / BATCHES)
    print(f"| {name} | {median(ratios[1:]):.2f} | {median(differences[1:]) * 1e6:.2f} |")
    for each in (with_history, without):
        each.close()


def subject(*, kept: bool) -> Breaker:
    """Return a breaker that the ticker leaves alone, with a history or without one."""
    made = Breaker(Settings(latency_threshold=500), memory=lambda: 0.1)
    TICKER.discard(made.machinery.core)
    if not kept:
        made.machinery.core.recorder.history = _NoHistory()
    return made


def measure(work: Work, breaker: Breaker) -> float:
    """Return the seconds of CPU time that it takes."""
    now = time.monotonic()
    began = time.process_time()
    for number in range(BATCHES):
        work(breaker, now + number / 1000)
    return time.process_time() - began


def batch(durations: list[float], *, short: bool) -> Work:
    """Return what takes a batch in."""

    def work(breaker: Breaker, now: float) -> None:
        recorder = breaker.machinery.core.recorder
        recorder._all_short = short  # noqa: SLF001 - as the batch before would have left it
        breaker.machinery.gate.durations = durations.copy()
        recorder.flush(now)

    return work


def failed_call(breaker: Breaker, now: float) -> None:
    """Report a failed call."""
    breaker.done(now, now + 0.01, error=True)


def next_second() -> Work:
    """Return what takes a batch in, each in a second of its own."""
    flush, started = batch([0.005] * 32, short=False), time.monotonic()

    def work(breaker: Breaker, now: float) -> None:
        flush(breaker, started + (now - started) * 1000)

    return work


class _NoHistory(History):
    """A history that keeps nothing."""

    def __init__(self) -> None:
        self.state = State.CLOSED
        self._nothing = _NoTally(0)

    def slot(self, now: float) -> Tally:  # noqa: ARG002 - as its base
        return self._nothing

    def note_state(self, now: float, state: State) -> None:  # noqa: ARG002 - as its base
        self.state = state

    def reject(self, now: float, reason: str, calls: int) -> None:
        pass

    def shed(self, now: float, priority: Priority) -> None:
        pass

    def observe(self, now: float, in_flight: int) -> None:
        pass


class _NoTally(Tally):
    def count(
        self, seconds: float, *, slow: bool, failed: bool = False, late: bool = False
    ) -> None:
        pass

    def count_good(self, ordered: object) -> None:
        pass

    def count_short(self, calls: int) -> None:
        pass


if __name__ == "__main__":
    main()
