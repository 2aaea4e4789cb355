"""Contestants measured in turn, round by round, and the figures that come of it."""

import gc
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from benchmarks.calls.timed_loop import Loop
from benchmarks.harness.figures import Effort, Figure

PART: Final = "calls"
_SLOWEST: Final = 1000
"""Nanoseconds a call may take for all of the effort's calls to be made; slower ones make fewer."""
_WARM_UP: Final = 20
"""The warm-up goes on until a run takes this part of a measurement."""


class Watch(Protocol):
    """Sees to it that what is measured is what the row says."""

    def begin(self) -> None:
        """Is called before the calls.

        Raises:
            WrongStateError: the contestant is not in the state it is to be measured in.
        """
        ...

    def settle(self) -> None:
        """Does what the calls put off; part of the measured time."""
        ...

    def end(self, calls: int) -> None:
        """Is called after so many calls.

        Raises:
            WrongStateError: it is in another state now, or counted other calls than were made.
        """
        ...


class WrongStateError(Exception):
    """A contestant was not what its row says, so that the figure would mean nothing."""


class Unwatched:
    """The watch of what has neither state nor counters."""

    def begin(self) -> None:
        """Does nothing."""

    def settle(self) -> None:
        """Does nothing."""

    def end(self, calls: int) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Contestant:
    """What takes part in a contest, under a name unique in it."""

    name: str
    loop: Loop
    watch: Watch


@dataclass(frozen=True)
class Row:
    """A row of the table: one contestant against another.

    Attributes:
        name: the figure's name.
        contestant: whose time it is.
        against: the contestant that it is compared with; "" for none.
        reach: as in `Figure`.
        note: as in `Figure`.
        label: how the table calls `against`; "" for the empty pair.
        rate: tell calls per second, and compare these.
    """

    name: str
    contestant: str
    against: str
    reach: str = ""
    note: str = ""
    label: str = ""
    rate: bool = False


class Contest:
    """Measures each contestant once in each round, so that what disturbs them disturbs all alike.

    Where code lies in memory makes it a tenth faster or slower, for as long as it lies there; so
    each round has a copy of its own of each loop.

    The garbage collector is off while they are measured, unless it is `collecting`.

    Attributes:
        times: by contestant, the nanoseconds of a call in each round.
        calls: by contestant, how many calls a round makes.
    """

    def __init__(
        self, effort: Effort, contestants: Sequence[Contestant], *, collecting: bool = False
    ) -> None:
        self.times: dict[str, list[float]] = {one.name: [] for one in contestants}
        self.calls: dict[str, int] = {}
        self._effort = effort
        self._contestants = contestants
        self._collecting = collecting

    def run(self) -> "Contest":
        """Measures; takes `rounds` times the contestants times the effort's calls times 1 µs."""
        turns = {one.name: self._turns(one) for one in self._contestants}
        self.calls = {one.name: turns[one.name] * one.loop.calls for one in self._contestants}
        with collector(on=self._collecting):
            for number in range(self._effort.rounds):
                # Each round begins with another one: nobody always follows the same neighbour.
                first = number % len(self._contestants)
                for one in [*self._contestants[first:], *self._contestants[:first]]:
                    _renew(one, turns[one.name])
                    elapsed = measured(one, turns[one.name])
                    self.times[one.name].append(elapsed / self.calls[one.name])
        return self

    def figures(self, rows: Sequence[Row]) -> list[Figure]:
        """The figures that `rows` ask for."""
        return [self._figure(row) for row in rows]

    def median(self, contestant: str) -> float:
        """Nanoseconds of a call."""
        return statistics.median(self.times[contestant])

    def _figure(self, row: Row) -> Figure:
        times, base = self.times[row.contestant], self.times.get(row.against)
        value = statistics.median(times)
        ratios = sorted(
            (reference / time) if row.rate else (time / reference)
            for time, reference in zip(times, base or (), strict=bool(base))
        )
        details: dict[str, Any] = {
            "minimum": min(times),
            "rounds": len(times),
            "calls_per_round": self.calls[row.contestant],
        }
        if base:
            smallest = min(times) / min(base)
            details["ratio_of_minima"] = 1 / smallest if row.rate else smallest
            details["ratio_quartiles"] = [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]]
            details["against_minimum"] = min(base)
            details["against_median"] = statistics.median(base)
        return Figure(
            part=PART,
            name=row.name,
            value=1e9 / value if row.rate else value,
            unit="calls/s" if row.rate else "ns",
            ratio=statistics.median(ratios) if base else None,
            against=row.label if base else "",
            reach=row.reach,
            note=row.note,
            details=details,
        )

    def _turns(self, one: Contestant) -> int:
        """Warms up, and says how many turns a round takes."""
        budget = self._effort.calls * _SLOWEST
        most = max(1, self._effort.calls // one.loop.calls)
        turns = 1
        while (elapsed := measured(one, turns)) < budget / _WARM_UP and turns < most:
            turns *= 2
        return max(1, min(most, int(budget * turns / elapsed)))


def _renew(one: Contestant, turns: int) -> None:
    """Lets it lie elsewhere in memory, and warms it up there, before so many turns."""
    if one.loop.renew is not None:
        one.loop.renew()
        measured(one, max(1, turns // _WARM_UP))


def measured(one: Contestant, turns: int) -> int:
    """Nanoseconds that the contestant takes for so many turns, with what it puts off."""
    one.watch.begin()
    begin, end = one.loop.run(turns)
    then = one.loop.now()
    one.watch.settle()
    put_off = one.loop.now() - then
    one.watch.end(turns * one.loop.calls)
    return end - begin + put_off


@contextmanager
def collector(*, on: bool) -> Iterator[None]:
    """The garbage collector on or off, with what is there already out of its way if it is off."""
    gc.collect()
    if not on:
        gc.disable()
        gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
