"""A window kept and judged in each `done`: what go-breaker, and most breakers, do."""

from collections import deque
from statistics import linear_regression
from typing import Final

from benchmarks.calls.contest import Contest
from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import OURS, SAME, Change, figures
from benchmarks.tricks.undone import Field, Undone, compare
from breaker import Settings

LARGE: Final = 1024
TREND: Final = Settings(trend_analysis_enabled=True)
AGELESS: Final = 3600.0
"""Seconds in which the large window does not grow old."""


class Appending(Undone):
    """Appends (end, seconds) to a window."""

    __slots__ = ("_recent",)

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self._recent: deque[tuple[float, float]] = deque(maxlen=self.settings.latency_window_size)

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._recent.append((end, seconds))
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Windowed(Undone):
    """Has the durations of the latest calls."""

    __slots__ = ("_rank", "_recent", "_threshold")

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(settings)
        size = self.settings.latency_window_size
        self._recent: deque[float] = deque([0.0] * size, size)
        self._rank = int(size * self.settings.percentile)
        self._threshold = self.settings.latency_threshold / 1000


class Sorting(Windowed):
    """Sorts them to find the percentile."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        self._recent.append(seconds)
        slow = sorted(self._recent)[self._rank] > self._threshold
        if seconds <= self._quick and not error and not slow:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Regressing(Windowed):
    """Fits a line through them, by the standard library."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        recent = self._recent
        recent.append(seconds)
        rising = linear_regression(range(len(recent)), recent).slope > self._threshold
        if seconds <= self._quick and not error and not rising:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Summing(Windowed):
    """Fits a line through them, by sums over the window."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        recent = self._recent
        recent.append(seconds)
        n = len(recent)
        products = sum(map(float.__mul__, recent, map(float, range(n))))
        slope = (products - (n - 1) / 2 * sum(recent)) * 12 / (n * (n * n - 1))
        if seconds <= self._quick and not error and slope <= self._threshold:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


def measure(effort: Effort) -> list[Figure]:
    """A window of 64 and one of 1,024, and with trend analysis."""
    append, sort = "(end, seconds) appended in each done", "window of 64 sorted in each done"
    small = compare(effort, {append: Appending, sort: Sorting})
    rows = [Change(f"{SAME} (window)", SAME, note="the control: noise")]
    rows += [Change(append, append), Change(sort, sort)]
    regress, sums = "a regression over 64 in each done", "the same by sums over the window"
    trend = compare(effort, {regress: Regressing, sums: Summing}, TREND)
    note = "against ours with trend analysis, which regresses only near the threshold"
    trends = [Change(name, name, note=note) for name in (regress, sums)]
    large = Change(f"window of {LARGE:,} sorted in each done", OURS + " sorting")
    return [*figures(small, rows), *figures(trend, trends), *figures(large_window(effort), [large])]


def large_window(effort: Effort) -> Contest:
    """Ours and the sorting one."""
    settings = Settings(latency_window_size=LARGE, latency_max_age=AGELESS)
    field = Field(effort, settings)
    field.add(OURS + " sorting", Sorting(settings), fill=LARGE)
    return field.run()
