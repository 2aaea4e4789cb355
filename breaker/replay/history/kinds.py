"""Divide the calls of a slot into kinds that begin and end apart: usual, slower, and failed ones.

What is "slower" depends on the slots around it: the duration at which its calls differ most from
theirs, or theirs from each other (the place of Kolmogorov's and Smirnov's statistic).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Final

from breakerd.breaker.replay.history.moments import Counts
from breakerd.breaker.replay.history.profile import Profile
from breakerd.breaker.replay.history.shapes import CallShape, shapes

_FEW: Final = 8
"""Calls below which nothing is concluded from how many were in flight."""
_TOGETHER: Final = 0.6
"""Share of calls in flight at once, from which they are taken to have ended together."""
_STEADY: Final = 1.5
"""Calls in flight, as a multiple of what their rate and durations give (Little 1961)."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A slot with the two slots before it and the two after it, nearest first.

    Where there are none, as at the ends of a record, the nearest one that is known stands for them.
    """

    here: Profile
    before: tuple[Profile, Profile]
    after: tuple[Profile, Profile]

    def counts(self, value: Callable[[Profile], float], most: float) -> Counts:
        """Return a value of this slot and of those around it."""
        return Counts(
            value(self.here),
            (value(self.before[0]), value(self.before[1])),
            (value(self.after[0]), value(self.after[1])),
            most,
        )


@dataclass(frozen=True, slots=True)
class Kinds:
    """Calls of a slot by kind.

    Attributes:
        usual: calls that are no longer than usual, and did not fail.
        slower: longer ones that did not fail.
        failed: calls that failed.
        split: first bucket of the slower ones.
        together: True if the slower ones ended at once, after nothing was answered for a time.
    """

    usual: Sequence[CallShape]
    slower: Sequence[CallShape]
    failed: Sequence[CallShape]
    split: int
    together: bool


def divide(around: Surroundings) -> Kinds:
    """Return the calls of a slot by kind."""
    here = around.here
    split = _split(around)
    calls = shapes(here)
    good = [call for call in calls if not call.failed]
    quick = sum(here.good[:split]) + here.early
    slower = good[quick:]
    return Kinds(
        good[:quick],
        slower,
        [call for call in calls if call.failed],
        split,
        together=_ended_together(slower, here),
    )


def _ended_together(calls: Sequence[CallShape], here: Profile) -> bool:
    """True if so many were in flight at once as only those are that wait for the same thing."""
    in_flight = here.slot.in_flight
    if len(calls) < _FEW or in_flight < _TOGETHER * len(calls):
        return False
    mean = sum(call.duration for call in calls) / len(calls)
    rate = len(calls) / max(call.duration for call in calls)
    return in_flight > _STEADY * mean * rate


def _split(around: Surroundings) -> int:
    """Return the first bucket of slower calls."""
    three = (around.before[0], around.here, around.after[0])
    sums = [_shares(each) for each in three if any(each.good)]
    most, split = 0.0, len(around.here.good)
    for one, other in combinations(sums, 2):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            if abs(mine - theirs) > most:
                most, split = abs(mine - theirs), place + 1
    return split


def _shares(profile: Profile) -> list[float]:
    """Return the share of the calls that are in each bucket or below it."""
    every = sum(profile.good)
    return [count / every for count in accumulate(profile.good)]
