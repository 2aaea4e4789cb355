"""`done` the plain way: another signature, one more question, another unit of time."""

import time
from typing import Final

from benchmarks.figures import Effort, Figure
from benchmarks.tricks.difference import SAME, Change, figures
from benchmarks.tricks.undone import Field, Undone


class KeywordOnly(Undone):
    """Takes `error` by keyword only."""

    __slots__ = ()

    def done(self, start: float, end: float, *, error: bool = False) -> None:  # type: ignore[override]  # what is measured
        """As the real one."""
        seconds = end - start
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Ordered(Undone):
    """Asks of each call whether it ended before it started."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        if start <= end and seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start, end, error)


class Guarded(Undone):
    """Asks `error` first, and has two gates: whether to look at each call, and how slow is slow."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = end - start
        if error or self._noted_gate < 0.0 or seconds > self._quick:
            self._done_carefully(start, end, error)
        else:
            self._log.append(seconds)


class Nanoseconds(Undone):
    """Is given integers of `time.perf_counter_ns`, and makes seconds of them."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = (end - start) / 1e9
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start / 1e9, end / 1e9, error)


class Multiplied(Undone):
    """The same, and keeps to one multiplication."""

    __slots__ = ()

    def done(self, start: float, end: float, error: bool = False) -> None:  # noqa: FBT001, FBT002 - as what it overrides
        """As the real one."""
        seconds = (end - start) * 1e-9
        if seconds <= self._quick and not error:
            self._log.append(seconds)
        else:
            self._done_carefully(start / 1e9, end / 1e9, error)


UNDONE: Final = {
    "error by keyword only": KeywordOnly,
    "end before start asked in done": Ordered,
    "two gates in done": Guarded,
}
IN_INTEGERS: Final = {
    "integer nanoseconds, divided": Nanoseconds,
    "integer nanoseconds, multiplied": Multiplied,
}


def measure(effort: Effort) -> list[Figure]:
    """Each of them."""
    field = Field(effort)
    for name, kind in UNDONE.items():
        field.add(name, kind())
    for name, kind in IN_INTEGERS.items():
        # Calls to fill the window would be told in seconds.
        field.add(name, kind(), names={"clock": time.perf_counter_ns}, fill=0)
    rows = [Change(f"{SAME} (done)", SAME, note="the control: noise")]
    rows += [Change(name, name) for name in UNDONE]
    rows += [Change(name, name, note="the clock is perf_counter_ns") for name in IN_INTEGERS]
    return figures(field.run(), rows)
