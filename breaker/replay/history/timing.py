"""Give each call of a slot its time, by what the slots around it hold."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from breakerd.breaker.replay.history.kinds import Kinds, Surroundings, divide
from breakerd.breaker.replay.history.moments import Steps, change_of, course, draw
from breakerd.breaker.replay.history.profile import Profile
from breakerd.breaker.replay.history.shapes import CallShape

Timed = list[tuple[float, CallShape]]
"""(when it ended, as a share of the slot's time from 0 to 1, call)."""


def timed_calls(around: Surroundings, chance: Random) -> Timed:
    """Return the calls of a slot with their times, in no order.

    Calls end at a rate of their own. In the order of their ends, each kind has a share of its own,
    so that a time in which all fail holds no good call.
    """
    kinds = divide(around)
    return _released(around, kinds, chance) if kinds.together else _steady(around, kinds, chance)


def _released(around: Surroundings, kinds: Kinds, chance: Random) -> Timed:
    """Let the slower calls end at once, when the usual ones begin again."""
    usual = _rate(around, lambda each: sum(each.good[: kinds.split]))
    moment = change_of(usual)
    moment = 0.5 if moment is None else moment
    others = [*kinds.usual, *kinds.failed]
    chance.shuffle(others)
    ends = zip(draw(usual, len(others), chance), others, strict=True)
    return [*ends, *((moment, call) for call in kinds.slower)]


def _steady(around: Surroundings, kinds: Kinds, chance: Random) -> Timed:
    number = len(kinds.usual) + len(kinds.slower) + len(kinds.failed)
    order = _Order(number, chance)
    order.place(kinds.failed, _share(around, number, lambda each: sum(each.failed)))
    order.place(kinds.slower, _share(around, number, lambda each: sum(each.good[kinds.split :])))
    ends = draw(_rate(around, lambda each: each.total), number, chance)
    return list(zip(ends, order.filled(kinds.usual), strict=True))


def _rate(around: Surroundings, calls: Callable[[Profile], int]) -> Steps:
    """Return how the rate of calls changes within a slot."""
    width = around.here.slot.width

    def rate(each: Profile) -> float:
        return calls(each) * width / each.slot.width

    most = max(map(rate, (around.here, around.before[0], around.after[0])))
    return course(around.counts(rate, most))


def _share(around: Surroundings, number: int, calls: Callable[[Profile], int]) -> Steps:
    """Return how the share of a kind among the calls changes within a slot."""
    here = calls(around.here) / max(1, around.here.total)

    def share(each: Profile) -> float:
        return number * (calls(each) / each.total if each.total else here)

    return course(around.counts(share, float(number)))


class _Order:
    """Calls of a slot in the order of their ends."""

    def __init__(self, number: int, chance: Random) -> None:
        self._calls: list[CallShape | None] = [None] * number
        self._chance = chance

    def place(self, calls: Sequence[CallShape], steps: Steps) -> None:
        """Give calls of a kind their places, by its share over the calls."""
        if not calls:
            return
        order = list(calls)
        self._chance.shuffle(order)
        for first, last, count in _parts(steps, len(self._calls), len(order)):
            free = [place for place in range(first, last) if self._calls[place] is None]
            for place in self._chance.sample(free, min(count, len(free))):
                self._calls[place] = order.pop()
        free = [place for place, call in enumerate(self._calls) if call is None]
        for place in self._chance.sample(free, len(order)):
            self._calls[place] = order.pop()

    def filled(self, calls: Sequence[CallShape]) -> list[CallShape]:
        """Return all calls, with `calls` in the places that are left."""
        order = list(calls)
        self._chance.shuffle(order)
        return [order.pop() if call is None else call for call in self._calls]


def _parts(steps: Steps, places: int, calls: int) -> list[tuple[int, int, int]]:
    """Return (first place, place after the last, calls in between) of each part of a course."""
    every = sum(share * rate for share, rate in steps)
    edges, sums = [0.0], [0.0]
    for share, rate in steps:
        edges.append(edges[-1] + share)
        sums.append(sums[-1] + share * rate)
    bounds = [round(edge * places) for edge in edges]
    counts = (
        [round(calls * each / every) for each in sums] if every else [0, *([calls] * len(steps))]
    )
    return [
        (first, last, after - before)
        for (first, last), (before, after) in zip(pairwise(bounds), pairwise(counts), strict=True)
    ]
