"""Simulated days of calls to a dependency that has troubles of many kinds; the same each time.

Callers come at random, more by day than by night. A trouble is one of: calls refused at once, calls
that time out, all calls slow, some calls failing, nothing answered and then all at once, latency
that rises over minutes, short failures that come again, and a pause of seconds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from math import cos, log, pi
from typing import Final

from breakerd.breaker.replay import CallRecord

MIDNIGHT: Final = 1_800_000_000.0 // 86_400 * 86_400
"""Begin of the first day, in seconds since the epoch."""
HOUR: Final = 3600.0
TIMEOUT: Final = 2.0
"""Seconds after which callers count a call as failed."""
_REFUSED_AFTER: Final = 0.002
_SHORT: Final = (4.0, 30.0)
_LONG: Final = (30.0, 900.0)
_DURATIONS: Final = {"refused": _REFUSED_AFTER, "timeout": TIMEOUT}
"""Seconds that failed calls take, in troubles in which all fail."""
_FLAP: Final = 20.0
_FLAP_FAILS: Final = 6.0
"""All calls fail for so many of each `_FLAP` seconds."""
_KINDS: Final = ("refused", "timeout", "slow", "partial", "hang", "rising", "flapping", "pause")


@dataclass(frozen=True)
class Trouble:
    """Time of trouble, in seconds since the epoch; `strength` from 0 to 1."""

    kind: str
    begin: float
    end: float
    strength: float


@dataclass(frozen=True)
class Day:
    """One day of one dependency.

    Attributes:
        begin: its begin, in seconds since the epoch.
        seconds: its length.
        rate: mean number of calls per second.
        mean: mean duration of healthy calls in seconds; lognormal.
        sigma: standard deviation of the logarithm of it.
        failing: share of healthy calls that fail.
        troubles: what goes wrong, in order.
    """

    seed: int
    begin: float
    seconds: float
    rate: float
    mean: float
    sigma: float
    failing: float
    troubles: tuple[Trouble, ...]

    def calls(self) -> Iterator[CallRecord]:
        """Yield the calls, ordered by start."""
        chance = random.Random(f"calls of {self.seed}")  # noqa: S311 - traffic, not secrets
        now = self.begin
        while True:
            now += chance.expovariate(self.rate * 1.6)
            if now >= self.begin + self.seconds:
                return
            hour = 2 * pi * (now - self.begin) / self.seconds
            if chance.random() < (1 - 0.6 * cos(hour)) / 1.6:
                yield self._call(now, chance)

    def _call(self, now: float, chance: random.Random) -> CallRecord:
        duration = chance.lognormvariate(log(self.mean) - self.sigma**2 / 2, self.sigma)
        trouble = self._trouble_at(now)
        failed = chance.random() < self.failing
        if trouble is not None:
            duration, failed = _troubled(trouble, now, duration, failed=failed, chance=chance)
        if duration > TIMEOUT:
            duration, failed = TIMEOUT, True
        return CallRecord(now, duration, failed)

    def _trouble_at(self, now: float) -> Trouble | None:
        return next((t for t in self.troubles if t.begin <= now < t.end), None)


def simulated_day(seed: int, *, hours: float = 24.0, troubles: int = 8) -> Day:
    """Return a day.

    Args:
        seed: number of the day; another one is another dependency.
        hours: its length.
        troubles: number of troubles in it.
    """
    chance = random.Random(f"day {seed}")  # noqa: S311 - traffic, not secrets
    begin, seconds = MIDNIGHT + 86_400 * seed, hours * HOUR
    part = seconds / troubles
    found = []
    for number in range(troubles):
        kind = _KINDS[(seed + number) % len(_KINDS)]
        length = chance.uniform(*(_SHORT if kind == "pause" or chance.random() < 0.4 else _LONG))
        length = min(length, part / 4)
        at = begin + number * part + chance.uniform(0.2, 0.7) * part
        found.append(Trouble(kind, at, at + length, chance.random()))
    return Day(
        seed=seed,
        begin=begin,
        seconds=seconds,
        rate=chance.choice((2.0, 4.0, 8.0)),
        mean=chance.uniform(0.03, 0.12),
        sigma=chance.uniform(0.3, 0.6),
        failing=chance.uniform(0.0, 0.005),
        troubles=tuple(found),
    )


def _troubled(
    trouble: Trouble, now: float, duration: float, *, failed: bool, chance: random.Random
) -> tuple[float, bool]:
    """Return duration and failure of a call that comes amid trouble."""
    since = now - trouble.begin
    if trouble.kind in _DURATIONS:
        return _DURATIONS[trouble.kind], True
    if trouble.kind in {"hang", "pause"}:  # nothing is answered before its end
        return max(duration, trouble.end - now + chance.uniform(0, 0.05)), failed
    if trouble.kind == "slow":
        return duration * (6 + 14 * trouble.strength), failed
    if trouble.kind == "rising":
        return duration * (1 + 15 * since / (trouble.end - trouble.begin)), failed
    partial = trouble.kind == "partial"
    share = 0.3 + 0.6 * trouble.strength if partial else float(since % _FLAP < _FLAP_FAILS)
    return duration, failed or chance.random() < share


def by_end(calls: Iterator[CallRecord]) -> Iterator[tuple[float, bool, CallRecord]]:
    """Yield (time, True) at the begin of each call and (time, False) at its end, in order."""
    ends: list[tuple[float, CallRecord]] = []
    for call in calls:
        while ends and ends[0][0] <= call.start:
            end, ended = heappop(ends)
            yield end, False, ended
        heappush(ends, (call.start + call.duration, call))
        yield call.start, True, call
    while ends:
        end, ended = heappop(ends)
        yield end, False, ended
