"""Candidates measured in turn, round by round, and the figures computed from their times."""

import gc
import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from benchmarks.harness.figures import Effort, Figure
from benchmarks.harness.timed_loop import Loop

PART: Final = "calls"
_FULL_SPEED: Final = 1000
"""Nanoseconds. A candidate with slower calls makes fewer of them in a round."""
_WARM_UP: Final = 20
"""The warm-up ends when one run takes at least 1 / this of a measurement."""


class StateCheck(Protocol):
    """Verifies that the candidate is what its row says, before and after each measurement."""

    def begin(self) -> None:
        """Prepare for a measurement; called before the calls, outside the measured time.

        Raises:
            WrongStateError: the candidate is not in the state that it must be measured in.
        """
        ...

    def flush(self) -> None:
        """Do the work that the calls deferred; called after them, inside the measured time."""
        ...

    def end(self, calls: int) -> None:
        """Verify the state after `calls` calls; called outside the measured time.

        Raises:
            WrongStateError: the state has changed, or the counters differ from the calls made.
        """
        ...


class WrongStateError(Exception):
    """A candidate was not what its row says, so the figure would be meaningless."""


class NoCheck:
    """The check of a candidate with neither state nor counters: it accepts anything."""

    def begin(self) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def end(self, calls: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Candidate:
    """One participant of a comparison; the name is unique in it."""

    name: str
    loop: Loop
    check: StateCheck


@dataclass(frozen=True)
class Row:
    """One row of the table: a candidate against another.

    Attributes:
        name: name of the figure.
        candidate: name of the candidate whose time is reported.
        against: name of the candidate it is compared with; "" for none.
        reach: as in `Figure`.
        note: as in `Figure`.
        label: name of `against` in the table; "" for the no-op pair.
        rate: if True, report and compare calls per second in place of nanoseconds.
        part: as in `Figure`.
    """

    name: str
    candidate: str
    against: str
    reach: str = ""
    note: str = ""
    label: str = ""
    rate: bool = False
    part: str = PART


class Comparison:
    """Measures each candidate once per round, so that a disturbance affects all alike.

    The place of code in memory makes it up to a tenth faster or slower for as long as it stays
    there. So each round runs a fresh copy of each loop. The garbage collector is off meanwhile.

    Attributes:
        times: nanoseconds per call in each round, by name of the candidate.
        calls: calls per round, by name of the candidate.
    """

    def __init__(self, effort: Effort, candidates: Sequence[Candidate]) -> None:
        self.times: dict[str, list[float]] = {one.name: [] for one in candidates}
        self.calls: dict[str, int] = {}
        self._effort = effort
        self._candidates = candidates

    def run(self) -> "Comparison":
        """Measure; for each candidate, round and call of the effort it takes about 1 µs."""
        turns = {one.name: self._turns(one) for one in self._candidates}
        self.calls = {one.name: turns[one.name] * one.loop.calls for one in self._candidates}
        with gc_disabled():
            for number in range(self._effort.rounds):
                # Each round begins with another candidate: none always follows the same neighbour.
                first = number % len(self._candidates)
                for one in [*self._candidates[first:], *self._candidates[:first]]:
                    _renew(one, turns[one.name])
                    elapsed = measure(one, turns[one.name])
                    self.times[one.name].append(elapsed / self.calls[one.name])
        return self

    def extend(self, others: Iterable["Comparison"]) -> "Comparison":
        """Append the rounds of other comparisons of candidates of the same names."""
        for other in others:
            for name, times in other.times.items():
                self.times[name] += times
        return self

    def figures(self, rows: Sequence[Row]) -> list[Figure]:
        """Return a figure for each row."""
        return [self._figure(row) for row in rows]

    def median(self, candidate: str) -> float:
        """Return the median nanoseconds per call over the rounds."""
        return statistics.median(self.times[candidate])

    def _figure(self, row: Row) -> Figure:
        times, base = self.times[row.candidate], self.times.get(row.against)
        value = statistics.median(times)
        ratios = sorted(
            (reference / time) if row.rate else (time / reference)
            for time, reference in zip(times, base or (), strict=bool(base))
        )
        details: dict[str, Any] = {
            "minimum": min(times),
            "rounds": len(times),
            "calls_per_round": self.calls[row.candidate],
        }
        if base:
            smallest = min(times) / min(base)
            details["ratio_of_minima"] = 1 / smallest if row.rate else smallest
            details["ratio_quartiles"] = [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]]
            details["against_minimum"] = min(base)
            details["against_median"] = statistics.median(base)
        return Figure(
            part=row.part,
            name=row.name,
            value=1e9 / value if row.rate else value,
            unit="calls/s" if row.rate else "ns",
            ratio=statistics.median(ratios) if base else None,
            against=row.label if base else "",
            reach=row.reach,
            note=row.note,
            details=details,
        )

    def _turns(self, one: Candidate) -> int:
        """Warm up, and return the turns of one round."""
        budget = self._effort.calls * _FULL_SPEED
        most = max(1, self._effort.calls // one.loop.calls)
        turns = 1
        while (elapsed := measure(one, turns)) < budget / _WARM_UP and turns < most:
            turns *= 2
        return max(1, min(most, int(budget * turns / elapsed)))


def _renew(one: Candidate, turns: int) -> None:
    """Give the loop a new place in memory, and warm it up there for a measurement of `turns`."""
    if one.loop.renew is not None:
        one.loop.renew()
        measure(one, max(1, turns // _WARM_UP))


def measure(one: Candidate, turns: int) -> int:
    """Return the nanoseconds that `turns` turns take, deferred work included."""
    one.check.begin()
    begin, end = one.loop.run(turns)
    then = one.loop.now()
    one.check.flush()
    deferred = one.loop.now() - then
    one.check.end(turns * one.loop.calls)
    return end - begin + deferred


@contextmanager
def gc_disabled() -> Iterator[None]:
    """Switch the garbage collector off for the block; it ignores older objects meanwhile."""
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()
