"""Figures of one breaker in one process, and their sums over several. Pure."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.calls.counters import DURATION_BOUNDS

Change = tuple[str, str, str]
"""A change of state: from, to, reason."""
_BOUNDS: Final = (*DURATION_BOUNDS, inf)


@dataclass(slots=True)
class Totals:
    """Counts since the beginning: they only grow.

    Attributes:
        success: calls reported without error.
        error: calls reported with error.
        abandoned: calls that their caller gave up.
        rejected: calls that were rejected.
        seconds: duration of all calls together.
        durations: calls in each bucket of the histogram, not cumulative.
        transitions: changes of state.
    """

    success: int = 0
    error: int = 0
    abandoned: int = 0
    rejected: int = 0
    seconds: float = 0.0
    durations: Counter[float] = field(default_factory=Counter)
    transitions: Counter[Change] = field(default_factory=Counter)

    def add(self, other: "Totals", sign: int = 1) -> None:
        """Add the counts of `other`, or take them away with a sign of -1."""
        self.success += sign * other.success
        self.error += sign * other.error
        self.abandoned += sign * other.abandoned
        self.rejected += sign * other.rejected
        self.seconds += sign * other.seconds
        for bound, count in other.durations.items():
            self.durations[bound] += sign * count
        for change, count in other.transitions.items():
            self.transitions[change] += sign * count

    def cumulative(self) -> list[tuple[float, int]]:
        """Return (upper bound in seconds, calls up to it); what has another bound counts higher."""
        buckets = [0] * len(_BOUNDS)
        for bound, count in self.durations.items():
            buckets[min(bisect_left(_BOUNDS, bound), len(_BOUNDS) - 1)] += count
        sums, before = [], 0
        for bound, count in zip(_BOUNDS, buckets, strict=True):
            before += count
            sums.append((bound, before))
        return sums


@dataclass(slots=True)
class Gauges:
    """Figures of now, summed over processes.

    Attributes:
        states: number of processes by the state of the breaker.
        in_flight: calls in flight.
        limit: calls that may be in flight; infinite where one process has no limit.
        unhealthy: processes in which something is breached.
    """

    states: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    limit: float = 0.0
    unhealthy: int = 0

    def add(self, other: "Gauges") -> None:
        """Add the figures of `other`."""
        self.states.update(other.states)
        self.in_flight += other.in_flight
        self.limit += other.limit
        self.unhealthy += other.unhealthy


@dataclass(slots=True)
class Figures:
    """Counts and figures of now of one breaker."""

    totals: Totals = field(default_factory=Totals)
    gauges: Gauges = field(default_factory=Gauges)


def read_figures(breaker: Breaker) -> Figures:
    """Return the figures of a breaker in this process."""
    counters = breaker.counters()
    totals = Totals(
        counters.success,
        counters.error,
        counters.abandoned,
        counters.rejected,
        counters.duration_sum,
        Counter(_apart(counters.duration_buckets)),
        Counter(counters.transitions),
    )
    gauges = Gauges(
        Counter([breaker.state.value]),
        counters.in_flight,
        breaker.concurrency_limit,
        int(not breaker.healthy),
    )
    return Figures(totals, gauges)


def encode(figures: Figures) -> str:
    """Return figures as JSON."""
    totals, gauges = figures.totals, figures.gauges
    return json.dumps(
        [
            [totals.success, totals.error, totals.abandoned, totals.rejected, totals.seconds],
            [[_finite(bound), count] for bound, count in sorted(totals.durations.items()) if count],
            [[*change, count] for change, count in sorted(totals.transitions.items()) if count],
            dict(gauges.states),
            [gauges.in_flight, _finite(gauges.limit), gauges.unhealthy],
        ]
    )


def decode(text: str) -> Figures:
    """Return the figures that `encode` has written.

    Raises:
        ValueError: the text is none of its.
    """
    try:
        counts, durations, transitions, states, (in_flight, limit, unhealthy) = json.loads(text)
        success, error, abandoned, rejected, seconds = counts
        totals = Totals(
            int(success),
            int(error),
            int(abandoned),
            int(rejected),
            float(seconds),
            Counter({_infinite(bound): int(count) for bound, count in durations}),
            Counter({(str(a), str(b), str(why)): int(n) for a, b, why, n in transitions}),
        )
        gauges = Gauges(_counts(states), int(in_flight), _infinite(limit), int(unhealthy))
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        raise ValueError(f"no figures: {error}") from error
    return Figures(totals, gauges)


def _counts(states: Mapping[str, Any]) -> Counter[str]:
    return Counter({str(state): int(count) for state, count in states.items()})


def _apart(cumulative: Iterable[tuple[float, int]]) -> dict[float, int]:
    found, before = {}, 0
    for bound, count in cumulative:
        if count > before:
            found[bound] = count - before
        before = count
    return found


def _finite(number: float) -> float | None:
    """Return the number; None for infinity, which JSON does not know."""
    return None if number == inf else number


def _infinite(number: Any) -> float:
    return inf if number is None else float(number)
