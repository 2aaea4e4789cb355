"""Processes around one hub on a clock that the test drives, and what they call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from breakerd import Breaker, LimiterSettings, Settings, Slo
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.member import FleetMember
from breakerd.breaker.fleet.messages import MemberInfo, PoolView, Report, View
from breakerd.breaker.testing import EventLog, ManualClock

POOL = "payments|web"
SETTINGS = Settings(slo=Slo(success_rate=0.95, timeout=2.0), limiter=LimiterSettings(enabled=True))
CALL = 0.05
"""Seconds that a call takes."""


class FaultyHub(MemoryHub):
    """A hub that can be out of reach, or lose its answers."""

    def __init__(self, clock: ManualClock) -> None:
        self.away = False
        self.loses_answers = False
        self.exchanges = 0
        ids = iter(range(10**9))
        super().__init__(lambda: clock() + 5000.0, lambda: f"{next(ids):012x}")

    def exchange(self, report: Report) -> View:
        if self.away:
            raise ConnectionError("away")
        self.exchanges += 1
        view = super().exchange(report)
        if self.loses_answers:
            raise ConnectionError("no answer")
        return view


@dataclass
class Process:
    """One process: a breaker, its place in the fleet, and whether its own way is broken."""

    breaker: Breaker
    member: FleetMember
    log: EventLog
    broken: bool = False
    admitted: int = 0
    rejected: int = 0

    def call(self, clock: ManualClock, *, down: bool) -> bool:
        """Make one call that takes no time of the test's; return True if it was admitted."""
        start = clock()
        if not self.breaker.allow():
            self.rejected += 1
            return False
        self.admitted += 1
        self.breaker.done(start - CALL, start, error=down or self.broken)
        return True


@dataclass
class SimulatedFleet:
    """So many processes, each of which calls and exchanges at its own times."""

    size: int
    hosts: Callable[[int], str] = lambda _: ""
    shares_evidence: bool = True
    settings: Settings = SETTINGS
    clock: ManualClock = field(default_factory=ManualClock)
    down: bool = False

    def __post_init__(self) -> None:
        self.hub = FaultyHub(self.clock)
        self.processes = [self.start(index) for index in range(self.size)]
        self._step = 0

    def start(self, index: int, incarnation: int = 1) -> Process:
        """Return a new process."""
        breaker = Breaker(self.settings, name="payments", clock=self.clock, memory=lambda: 0.1)
        log = EventLog()
        breaker.subscribe(log)
        info = MemberInfo(str(index), incarnation, self.hosts(index))
        evidence = self.shares_evidence
        member = FleetMember(self.hub, info, self.clock, shares_evidence=evidence)
        member.add(POOL, breaker)
        return Process(breaker, member, log)

    def run(self, seconds: float, *, calls_per_second: float = 2.0) -> None:
        """Let time pass: calls and exchanges are spread evenly over each second."""
        for _ in range(round(seconds * 20)):
            self._step += 1
            self.clock.advance(0.05)
            for index, process in enumerate(self.processes):
                phase = index * 7
                if (self._step + phase) % round(20 / calls_per_second) == 0:
                    process.call(self.clock, down=self.down)
                if (self._step + phase) % 20 == 0:
                    process.member.exchange()

    def states(self, of: Iterable[Process] | None = None) -> set[str]:
        return {process.breaker.state.value for process in of or self.processes}

    @property
    def pool(self) -> PoolView:
        return self.hub.pool(POOL, "fleet")[0]

    @property
    def admitted(self) -> int:
        return sum(process.admitted for process in self.processes)
