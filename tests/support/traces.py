"""Traces made up for tests: the same at every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

from breakerd.breaker.replay import CallRecord


def steady(
    seconds: float,
    *,
    rate: float = 50.0,
    begin: float = 0.0,
    slower: float = 1.0,
    failing: float = 0.0,
) -> Iterator[CallRecord]:
    """Calls at random moments, of about 50 ms times `slower`; a share of `failing` fails."""
    chance = random.Random(f"{begin} {seconds}")
    now = begin + chance.expovariate(rate)
    while now < begin + seconds:
        duration = chance.lognormvariate(-3.0, 0.4) * slower
        yield CallRecord(now, duration, chance.random() < failing)
        now += chance.expovariate(rate)


def with_bad_time(
    *, slower: float = 20.0, failing: float = 0.0, rate: float = 50.0, origin: float = 1.7e9
) -> Iterator[CallRecord]:
    """Ten minutes, of which the sixth is bad; a thousandth of the calls always fails."""
    for begin, seconds, bad in ((0, 300, False), (300, 60, True), (360, 240, False)):
        calls = steady(
            seconds,
            rate=rate,
            begin=begin,
            slower=slower if bad else 1.0,
            failing=failing if bad else 0.001,
        )
        yield from (call._replace(start=call.start + origin) for call in calls)
