"""Counting in each `done` what the real one counts in batches, or when it is asked."""

from bisect import bisect_left
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import SAME, Change, figures
from benchmarks.tricks.undone import Undone, compare
from breaker import Settings
from breaker.counters import DURATION_BOUNDS
from breaker.hot_path import copy_log


class Bucketed(Undone):
    """Finds the bucket of the histogram."""

    __slots__ = ("_each",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._each = [0] * (len(DURATION_BOUNDS) + 1)
        super().__init__(settings)

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._each[bisect_left(DURATION_BOUNDS, seconds)] += 1
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Summed(Undone):
    """Adds to the sum of all durations."""

    __slots__ = ("_sum",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._sum = 0.0
        super().__init__(settings)

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._sum += seconds
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Counting(Undone):
    """Increments a counter of `prometheus_client`."""

    __slots__ = ("_calls",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._calls = Counter("calls", "Calls.", registry=CollectorRegistry())
        super().__init__(settings)

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._calls.inc()
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Observing(Undone):
    """Observes in a histogram of `prometheus_client`, of as many buckets as ours."""

    __slots__ = ("_histogram",)

    def __init__(self, settings: Settings | None = None) -> None:
        self._histogram = Histogram(
            "seconds", "Seconds.", buckets=DURATION_BOUNDS, registry=CollectorRegistry()
        )
        super().__init__(settings)

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._histogram.observe(seconds)
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Copied(Undone):
    """Copies the log and cuts it short, in place of putting another one there."""

    __slots__ = ()
    _take_log = copy_log


class Sorted(Undone):
    """Sorts each batch into the histogram, also where all are known to be in its first bucket."""

    __slots__ = ()

    def _take_in(self, now: float) -> None:
        self._short = False
        super()._take_in(now)


UNDONE: Final = {
    "the log copied and emptied": Copied,
    "each batch sorted": Sorted,
    "bucket found in each done": Bucketed,
    "sum kept in each done": Summed,
    "a prometheus_client Counter in each done": Counting,
    "a prometheus_client Histogram in each done": Observing,
}


def measure(effort: Effort) -> list[Figure]:
    """Each of them."""
    rows = [Change(f"{SAME} (tallies)", SAME, note="the control: noise")]
    rows += [Change(name, name) for name in UNDONE]
    return figures(compare(effort, UNDONE), rows)
