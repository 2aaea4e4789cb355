"""Reconstruct single calls from the slots of a history.

A slot has the number of calls that ended in it, of those that failed and were slow, and their
durations in 32 buckets. As many calls are made, with durations, failures and a number in flight
that fit. They are the same each time.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain, repeat
from random import Random
from typing import Final, NamedTuple

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.history.kinds import Surroundings
from breakerd.breaker.replay.history.profile import Profile, Profiler
from breakerd.breaker.replay.history.sampling import FULL, Portion
from breakerd.breaker.replay.history.shapes import CallShape, shapes
from breakerd.breaker.replay.history.timing import timed_calls
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.reorder import ReorderBuffer

_ADJACENT: Final = 0.01
"""Seconds between two slots up to which there is no gap."""
_REACH: Final = 2
"""Slots that are looked at on each side of one."""


def reconstruct(
    slots: Iterable[HistorySlot], portions: Iterable[Portion] = ()
) -> Iterator[CallRecord]:
    """Yield the calls of slots, ordered by start.

    Args:
        slots: slots of one breaker in the order of time, of any widths.
        portions: how much of each slot to yield; by default, and after the last one, all.
    """
    rooms = _Rooms()
    parts = zip(rooms.noted(slots), chain(portions, repeat(FULL)), strict=False)
    return rooms.keep_in_flight(ReorderBuffer().sort(_calls(parts)))


class _Part(NamedTuple):
    profile: Profile
    portion: Portion


def _calls(parts: Iterable[tuple[HistorySlot, Portion]]) -> Iterator[CallRecord]:
    """Yield the calls of each slot, ordered by end."""
    thinner = _Thinner()
    profiler = Profiler()
    near: deque[_Part] = deque(maxlen=2 * _REACH + 1)
    waiting = 0
    for slot, portion in parts:
        near.append(_Part(profiler.profile(slot), portion))
        waiting += 1
        if waiting > _REACH:
            waiting -= 1
            yield from _slot_calls(near, len(near) - 1 - waiting, thinner)
    while waiting:
        waiting -= 1
        yield from _slot_calls(near, len(near) - 1 - waiting, thinner)


def _slot_calls(near: Sequence[_Part], place: int, thinner: "_Thinner") -> Iterator[CallRecord]:
    here, (stride, weight) = near[place]
    if not stride:
        return
    slot = here.slot
    chance = Random(f"{slot.start} {slot.width}")  # noqa: S311 - the same calls each time
    timed: list[tuple[float, CallShape]] = []
    if stride > 1:
        calls = shapes(thinner.thinned(here, stride))
        timed = [(chance.random(), call) for call in calls]
    else:
        timed = timed_calls(_surroundings([part.profile for part in near], place), chance)
    timed.sort()
    for share, (duration, failed, abandoned) in timed:
        end = slot.start + share * slot.width
        yield CallRecord(end - duration, duration, failed, slot.memory, abandoned, weight)


def _surroundings(near: Sequence[Profile], place: int) -> Surroundings:
    here = near[place]
    return Surroundings(here, _outward(here, near[:place][::-1]), _outward(here, near[place + 1 :]))


def _outward(here: Profile, others: Sequence[Profile]) -> tuple[Profile, Profile]:
    """Return the two next slots on one side; empty ones in a gap, the last one at an end."""
    found = [here]
    for other in others[:_REACH]:
        first, second = sorted((found[-1].slot, other.slot), key=lambda slot: slot.start)
        if second.start - first.end > _ADJACENT:
            found += [_empty(here)] * _REACH
            break
        found.append(other)
    found += [found[-1]] * _REACH
    return found[1], found[2]


def _empty(like: Profile) -> Profile:
    nothing = (0,) * len(like.good)
    return Profile(HistorySlot(like.slot.start, like.slot.width), nothing, nothing)


class _Thinner:
    """Take one of so many calls of each bucket, and keep count of the rest."""

    def __init__(self) -> None:
        self._good = list(DurationSketch().counts())
        self._failed = list(DurationSketch().counts())

    def thinned(self, profile: Profile, stride: int) -> Profile:
        """Return the profile of the calls to replay; those given up early are left out."""
        good = _every(stride, profile.good, self._good)
        return Profile(profile.slot, good, _every(stride, profile.failed, self._failed))


def _every(stride: int, counts: tuple[int, ...], rest: list[int]) -> tuple[int, ...]:
    taken = []
    for place, count in enumerate(counts):
        taken_here, rest[place] = divmod(count + rest[place], stride)
        taken.append(taken_here)
    return tuple(taken)


class _Rooms:
    """Keep the number of calls in flight at what the slots tell, by letting calls begin later."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._most: list[int] = []

    def noted(self, slots: Iterable[HistorySlot]) -> Iterator[HistorySlot]:
        """Yield the slots, and note how many calls were in flight in each."""
        for slot in slots:
            self._starts.append(slot.start)
            self._most.append(slot.in_flight)
            yield slot

    def keep_in_flight(self, calls: Iterable[CallRecord]) -> Iterator[CallRecord]:
        """Yield calls that come in the order of their starts."""
        ends: list[float] = []
        for call in calls:
            start, duration, *_ = call
            while ends and ends[0] <= start:
                heappop(ends)
            if len(ends) < self._most_at(start):
                heappush(ends, start + duration)
                yield call
            else:
                start = heappop(ends)
                heappush(ends, start + duration)
                yield call._replace(start=start)

    def _most_at(self, moment: float) -> int:
        """Return the limit at that time: at its borders, the higher one of two slots."""
        place = bisect_right(self._starts, moment)
        return max(1, *self._most[max(0, place - 1) : place + 1])
