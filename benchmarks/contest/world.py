"""Simulate the contest apart from the policies: scenarios, arrivals, luck, and a FIFO pool.

Open-loop callers call a pool of workers behind one queue and give up after `TIMEOUT`; the pool
serves a call that was given up all the same, as a server without cancellation does.
"""

import heapq
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

TIMEOUT: Final = 1.0
"""Seconds after which a caller gives up."""
SERVICE_TIME: Final = 0.05
"""Mean seconds that a healthy call is served for; lognormal."""
SIGMA: Final = 0.4
_REFUSED_AFTER: Final = 0.002
_TICK: Final = 0.02


@dataclass(frozen=True)
class Fault:
    """Something wrong from `begin` to `end`, in seconds.

    Attributes:
        refused: share of the calls that fail at once, 0 to 1.
        speed: factor on the speed of all workers; 0 stands still.
    """

    begin: float
    end: float
    refused: float = 0.0
    speed: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """Traffic and faults of one cell.

    Attributes:
        rate: calls per second, at random (Poisson).
        seconds: length.
        workers: calls served at once.
        bursts: times at which 40 calls come at once.
        healthy: True if no call need be rejected.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    rate: float = 40.0
    seconds: float = 40.0
    workers: int = 4
    bursts: tuple[float, ...] = ()
    healthy: bool = False


def scenarios(fault: float = 7.0, load: float = 1.0) -> tuple[Scenario, ...]:
    """Return the ten scenarios, with faults of `fault` seconds, and `load` times the traffic."""
    begin, end = 12.0, 12.0 + fault
    workers = round(4 * load)
    every_6_s = tuple(5.3 + 6.0 * n for n in range(6))
    rate = 40.0 * load

    def cell(name: str, *faults: Fault) -> Scenario:
        return Scenario(name, faults, rate, workers=workers)

    return (
        Scenario("steady", rate=200 * load, workers=5 * workers, healthy=True),
        Scenario(
            "pauses",
            tuple(Fault(at, at + 0.5, speed=0) for at in every_6_s),
            rate,
            workers=workers,
            healthy=True,
        ),
        Scenario("bursts", (), rate, workers=workers, bursts=every_6_s, healthy=True),
        cell("down", Fault(begin, end, refused=1)),
        cell("hang", Fault(begin, end, speed=0)),
        cell("slow", Fault(begin, end, speed=1 / 8)),
        cell("partial", Fault(begin, end + 8, refused=0.3)),
        cell("flapping", *(Fault(6 + 7 * n, 9 + 7 * n, refused=1) for n in range(4))),
        cell("weak", Fault(begin, end, refused=1), Fault(end, end + 8, speed=1 / 3)),
        Scenario("quiet", (Fault(30, 38 + fault, refused=1),), 1.5, seconds=90),
    )


class Policy(Protocol):
    """Whatever decides which calls pass."""

    def begin(self) -> object | None:
        """Return a token of a call that may pass; None rejects it."""
        ...

    def end(self, token: object, *, good: bool) -> None:
        """Take the result of a call."""
        ...

    def tick(self) -> None:
        """Let time pass."""
        ...


class Clock:
    """Time of the simulation in seconds."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass(frozen=True)
class Call:
    """A call that comes, with its luck."""

    at: float
    work: float
    luck: float


def arrivals(scenario: Scenario, seed: int) -> list[Call]:
    """Return the calls of a cell in order, the same for every policy."""
    chance = random.Random(f"{scenario.name} {seed}")  # noqa: S311 - traffic, not secrets
    times = [at for at in scenario.bursts for _ in range(40)]
    now = chance.expovariate(scenario.rate)
    while now < scenario.seconds:
        times.append(now)
        now += chance.expovariate(scenario.rate)
    mu = math.log(SERVICE_TIME) - SIGMA**2 / 2
    return [Call(at, chance.lognormvariate(mu, SIGMA), chance.random()) for at in sorted(times)]


class Pool:
    """Workers behind one queue. How long a call takes is known when it comes."""

    def __init__(self, scenario: Scenario) -> None:
        self._faults = scenario.faults
        self._free_at = [0.0] * scenario.workers

    def serve(self, call: Call) -> tuple[float, bool]:
        """Take a call; return when its caller knows the result, and whether it is good."""
        if any(f.begin <= call.at < f.end and call.luck < f.refused for f in self._faults):
            return call.at + _REFUSED_AFTER, False
        begin = max(call.at, heapq.heappop(self._free_at))
        end = self._finish(begin, call.work)
        heapq.heappush(self._free_at, end)
        return min(end, call.at + TIMEOUT), end <= call.at + TIMEOUT

    def _finish(self, now: float, work: float) -> float:
        for speed, until in self._speeds(now):
            if work <= (until - now) * speed:
                return now + work / speed
            work -= (until - now) * speed
            now = until
        raise AssertionError("time ends only at infinity")

    def _speeds(self, now: float) -> Iterator[tuple[float, float]]:
        """Yield the speed, and until when it holds, from `now` on."""
        for fault in self._faults:
            if fault.end <= now or fault.speed == 1:
                continue
            yield 1.0, max(now, fault.begin)
            yield fault.speed, fault.end
        yield 1.0, math.inf


def goodput(scenario: Scenario, seed: int, policy: Policy, clock: Clock) -> float:
    """Return the share of all calls that succeed in time under `policy`."""
    zero, calls, pool = clock.now, arrivals(scenario, seed), Pool(scenario)
    ends: list[tuple[float, int, object, bool]] = []
    good, ticks = 0, 0

    def pass_time(until: float) -> None:
        nonlocal ticks
        while (soonest := min(ends[0][0] if ends else math.inf, ticks * _TICK)) <= until:
            clock.now = zero + soonest
            if ends and ends[0][0] == soonest:
                _, _, token, success = heapq.heappop(ends)
                policy.end(token, good=success)
            else:
                policy.tick()
                ticks += 1
        clock.now = zero + until

    for number, call in enumerate(calls):
        pass_time(call.at)
        token = policy.begin()
        if token is not None:
            end, success = pool.serve(call)
            heapq.heappush(ends, (end, number, token, success))
            good += success
    pass_time(scenario.seconds + TIMEOUT)
    return good / len(calls)
