"""Sums of one breaker over the processes of one scope, from what the hub has. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from breakerd.breaker.baseline.ddsketch import DDSketch
from breakerd.breaker.fleet.episode import Episode
from breakerd.breaker.fleet.hub.protocol import MemberEntry
from breakerd.breaker.fleet.local_window import SKETCH
from breakerd.breaker.fleet.messages import PoolView, Totals, Worst
from breakerd.breaker.fleet.prevailing_state import prevailing_state
from breakerd.breaker.states import State

_WORST: Final = 3
PoolAnswer = tuple[PoolView, tuple[int, ...]]
"""Sums of a pool, and its sketch of durations, as a hub gives them."""


class Holders(NamedTuple):
    """Processes that hold one breaker.

    Attributes:
        states: number of processes that report, by the state of their breaker.
        silent: processes that hold it and do not report.
        hosts: hosts of those that report.
        pools: names of the pools that they are in; more than one while settings differ.
        only: id of the only process that holds it, silent ones counted; empty if there are more.
    """

    states: Mapping[str, int]
    silent: int
    hosts: int
    pools: tuple[str, ...]
    only: str = ""

    @property
    def live(self) -> int:
        """Return the number of processes that report."""
        return sum(self.states.values())

    @property
    def state(self) -> State | None:
        """Return the state of most processes; of two that are as frequent, the one that rejects.

        None if nobody reports one that this version knows.
        """
        return prevailing_state(self.states.items())


class BreakerSums(NamedTuple):
    """Sums of one breaker.

    Attributes:
        holders: the processes.
        totals: sums of their windows of about 10 s.
        sketch: durations in the windows, by number of bucket.
        episode: the time of trouble that is in force; None if there is none.
        worst: up to three processes with failures, the worst first.
    """

    holders: Holders
    totals: Totals
    sketch: Mapping[int, int]
    episode: Episode | None
    worst: tuple[Worst, ...]

    def percentile(self, share: float) -> float | None:
        """Return that percentile of the durations in seconds, within 15 %; None without calls."""
        if not self.sketch:
            return None
        merged = DDSketch(SKETCH)
        for bucket, count in self.sketch.items():
            merged.add_weight(bucket, count)
        return merged.percentiles([share])[0]


def holders_of(members: Iterable[MemberEntry]) -> dict[str, Holders]:
    """Return the processes that hold each breaker, by its name."""
    states: dict[str, Counter[str]] = {}
    silent: Counter[str] = Counter()
    hosts: dict[str, set[str]] = {}
    pools: dict[str, set[str]] = {}
    ids: dict[str, set[str]] = {}
    for member in members:
        for pool, state in member.breakers:
            name = pool.partition("|")[0]
            pools.setdefault(name, set()).add(pool)
            ids.setdefault(name, set()).add(member.info.id)
            counts = states.setdefault(name, Counter())
            if member.silent:
                silent[name] += 1
            else:
                counts[state] += 1
                hosts.setdefault(name, set()).add(member.info.host)
    return {
        name: Holders(
            counts,
            silent[name],
            len(hosts.get(name, ())),
            tuple(sorted(pools[name])),
            next(iter(ids[name])) if len(ids[name]) == 1 else "",
        )
        for name, counts in states.items()
    }


def add_up(holders: Holders, pools: Iterable[PoolAnswer]) -> BreakerSums:
    """Return the sums of a breaker whose processes are in these pools."""
    views, sketches = [], []
    for view, sketch in pools:
        views.append(view)
        sketches.append(sketch)
    episodes = [view.episode for view in views if view.episode and view.episode.in_force]
    worst = sorted(
        (each for view in views for each in view.worst if each.calls > 0),
        key=lambda each: (-each.failures / each.calls, -each.failures, each.member),
    )
    return BreakerSums(
        holders,
        Totals(*map(sum, zip(*(view.totals for view in views), strict=True))),
        _merged(sketches),
        max(episodes, key=lambda each: each.since, default=None),
        tuple(worst[:_WORST]),
    )


def checked(answer: PoolAnswer) -> PoolAnswer:
    """Return the answer, whose numbers are numbers.

    Raises:
        TypeError: some are not.
    """
    view, sketch = answer
    figures = (*view.totals, *sketch, *(n for each in view.worst for n in each[2:]))
    if not all(isinstance(figure, int | float) for figure in figures):
        raise TypeError("a pool holds what is no number")
    return answer


def _merged(sketches: Iterable[tuple[int, ...]]) -> dict[int, int]:
    """Return the counts by bucket; what is no bucket of ours is left out."""
    merged: Counter[int] = Counter()
    for first, *counts in filter(None, sketches):
        for bucket, count in enumerate(counts, first):
            if 0 <= bucket < SKETCH.count and count > 0:
                merged[bucket] += count
    return dict(merged)
