"""Divide the calls of a slot into those that failed and those that did not, by duration."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from breakerd.breaker.history.slot import HistorySlot

_MEMORY: Final = 0.98
"""Weight of what was usual before, for each slot that is learnt."""
_ORDINARY_FAILURES: Final = 0.1
"""Share of failures up to which a slot tells how long calls take that do not fail."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Calls of a slot, by bucket of its sketch.

    Attributes:
        slot: the slot.
        good: calls that did not fail.
        failed: calls that failed.
        early: calls that were given up before they were slow, whose durations are not known.
        late: calls that were given up once they were slow; they are among the good ones.
    """

    slot: HistorySlot
    good: tuple[int, ...]
    failed: tuple[int, ...]
    early: int = 0
    late: int = 0

    @property
    def total(self) -> int:
        """Return the number of all calls."""
        return sum(self.good) + sum(self.failed) + self.early


class Profiler:
    """Make profiles of slots, in their order.

    A slot tells how many calls failed, and not how long these took. Whatever a bucket holds above
    what is usual for calls that do not fail is taken for the failed ones first: connections that
    were refused at once, or time-outs.
    """

    def __init__(self) -> None:
        self._usual: list[float] = []
        """Share of the calls in each bucket, of slots in which few failed."""

    def profile(self, slot: HistorySlot) -> Profile:
        """Return the profile of the next slot."""
        counts = slot.durations.counts()
        total = sum(counts)
        failures = min(slot.failures, total)
        failed = self._failed(counts, failures) if failures else [0] * len(counts)
        if total and failures <= _ORDINARY_FAILURES * total:
            self._learn(counts, total)
        good = tuple(count - bad for count, bad in zip(counts, failed, strict=True))
        early = max(0, min(slot.abandoned, slot.calls - total))
        return Profile(slot, good, tuple(failed), early, slot.abandoned - early)

    def _learn(self, counts: Iterable[int], total: int) -> None:
        shares = [count / total for count in counts]
        if not self._usual:
            self._usual = shares
            return
        pairs = zip(self._usual, shares, strict=True)
        self._usual = [_MEMORY * old + (1 - _MEMORY) * new for old, new in pairs]

    def _failed(self, counts: tuple[int, ...], failures: int) -> list[int]:
        good = sum(counts) - failures
        usual = self._usual or [0.0] * len(counts)
        pairs = zip(counts, usual, strict=True)
        return _apportioned(failures, [max(0.0, c - good * share) for c, share in pairs], counts)


def _apportioned(number: int, weights: list[float], most: tuple[int, ...]) -> list[int]:
    """Return `number` calls divided by weight, at most so many in each place."""
    every = sum(weights)
    if every <= 0:
        weights, every = [float(count) for count in most], float(sum(most))
    shares = [number * weight / every for weight in weights]
    parts = [min(int(share), limit) for share, limit in zip(shares, most, strict=True)]
    by_rest = sorted(range(len(parts)), key=lambda place: parts[place] - shares[place])
    rest = number - sum(parts)
    while rest > 0:
        for place in by_rest:
            if rest and parts[place] < most[place]:
                parts[place] += 1
                rest -= 1
    return parts
