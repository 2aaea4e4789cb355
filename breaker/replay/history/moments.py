"""Place calls of a slot in its time, by what the slots around it hold.

The calls of one kind are a Poisson process. Its rate is constant within a slot, unless the slots
around it tell that it changed there by more than chance: then it is that of the slot before up to
one moment and that of the slot after from there on, with the moment that fits the count. A slot
with more calls of a kind than both neighbours holds a burst, one with fewer holds a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from random import Random
from typing import Final

_SIGNIFICANT: Final = 3.0
"""Standard deviations above which a difference is no chance."""
_MIN_DIFFERENCE: Final = 4.0
"""Calls by which counts differ at least, if not by chance."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls of one kind in a slot, and in the slots around it, at the same width.

    Attributes:
        here: calls in the slot.
        before: those of the slot before it, and of the one before that.
        after: those of the slot after it, and of the one after that.
        most: calls that the slot would hold if all of its time were like its busiest part.
    """

    here: float
    before: tuple[float, float]
    after: tuple[float, float]
    most: float


Steps = list[tuple[float, float]]
"""(share of the slot's time, calls per slot at that rate), in order."""


def course(counts: Counts, middle: float = 0.5) -> Steps:
    """Return how the rate of a kind of calls changes within a slot.

    Args:
        counts: calls in the slot and around it.
        middle: where in the slot a burst or a gap lies, 0 to 1.
    """
    here = counts.here
    left = _level_between(counts.before, here, counts.after[0], counts.most)
    right = _level_between(counts.after, here, counts.before[0], counts.most)
    if left == here != right:
        left = _beyond(counts.before[0], here, right)
    elif right == here != left:
        right = _beyond(counts.after[0], here, left)
    low, high = min(left, right), max(left, right)
    if low == high == here:
        return [(1.0, here)]
    if low <= here <= high:
        first = (right - here) / (right - left)
        return [(first, left), (1 - first, right)]
    inside = counts.most if here > high else 0.0
    if here > high >= inside:
        return [(1.0, here)]
    outside = high if here > high else low
    return _around((here - outside) / (inside - outside), middle, outside, inside)


def change_of(steps: Steps) -> float | None:
    """Return the moment of a change, or the middle of a gap or burst; None if there is none."""
    if len(steps) == 1:
        return None
    return steps[0][0] + (steps[1][0] / 2 if len(steps) > 2 else 0.0)


def draw(steps: Steps, number: int, chance: Random) -> list[float]:
    """Return the moments of so many calls, ascending, as shares of the slot's time from 0 to 1."""
    drawn = sorted(chance.random() for _ in range(number))
    return drawn if len(steps) == 1 else _mapped(drawn, steps)


def _level_between(beside: tuple[float, float], here: float, opposite: float, most: float) -> float:
    """Return the rate at the border of a slot towards `beside`, a slot and the one behind it."""
    near, far = beside
    if _differ(near, here):
        # If the slot beside it lies between the two others, the change was there.
        changed_there = _differ(far, near) and min(far, here) < near < max(far, here)
        return here if changed_there else near
    if _differ(far, near) and _differ(here, opposite) and (far < near) == (opposite < here):
        # It began in one of two slots, and ended in the other one.
        return max(most, here) if far < near else 0.0
    return here


def _beyond(near: float, here: float, opposite: float) -> float:
    """Return the rate of a side that differs from `here` less than the opposite one does."""
    return near if (near - here) * (here - opposite) > 0 else here


def _around(share: float, middle: float, outside: float, inside: float) -> Steps:
    """Return a burst or a gap that takes that share of the time."""
    first = min(max(middle - share / 2, 0.0), 1 - share)
    return [(first, outside), (share, inside), (1 - share - first, outside)]


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > max(_MIN_DIFFERENCE, _SIGNIFICANT * sqrt(one + other))


def _mapped(drawn: Sequence[float], steps: Steps) -> list[float]:
    """Return where in time those shares of the calls have come."""
    every = sum(share * rate for share, rate in steps)
    if every <= 0:
        return list(drawn)
    found: list[float] = []
    place = 0
    begun = come = 0.0
    for each in drawn:
        wanted = each * every
        share, rate = steps[place]
        while wanted > come + share * rate and place + 1 < len(steps):
            come += share * rate
            begun += share
            place += 1
            share, rate = steps[place]
        found.append(min(1.0, begun + (wanted - come) / rate if rate else begun))
    return found
