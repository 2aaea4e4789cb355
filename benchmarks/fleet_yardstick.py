"""A fleet of breakers for the fleet yardstick's simulation, on a hub in memory.

The configuration is the same for all scenarios: a service level, the limiter, shared evidence.
`scripts/yardstick --fleet` runs it.
"""

from collections.abc import Callable, Sequence

from benchmarks.studies.simulation import Contract, make
from breakerd import Breaker
from breakerd.breaker.fleet.hub.memory import MemoryHub
from breakerd.breaker.fleet.member import FleetMember
from breakerd.breaker.fleet.messages import MemberInfo, Report, View

POOL = "yardstick|all"


class _Reachable(MemoryHub):
    """A hub that one member reaches, or does not."""

    def __init__(self, reach: Callable[[int], float]) -> None:
        self._reach = reach
        self._now = 0.0
        ids = iter(range(10**9))
        super().__init__(lambda: self._now, lambda: f"{next(ids):012x}")

    def exchange(self, report: Report) -> View:
        """Reach the hub as the member whose report it is."""
        self._now = self._reach(int(report.member.id))
        return super().exchange(report)


class Member:
    """One process: a breaker, and its place in the fleet."""

    def __init__(self, breaker: Breaker, member: FleetMember) -> None:
        self.allow = breaker.allow
        self.done = breaker.done
        self._member = member

    def exchange(self) -> None:
        """Have one round with the hub."""
        self._member.exchange()


class Fleet:
    """Members around one hub."""

    def __init__(
        self,
        clocks: Sequence[Callable[[], float]],
        contract: Contract,
        reach: Callable[[int], float],
    ) -> None:
        self._clocks = clocks
        self._contract = contract
        self._hub = _Reachable(reach)
        self._incarnations = [0] * len(clocks)
        self.members = [self._make(index) for index in range(len(clocks))]

    def restart(self, index: int) -> None:
        """Replace the process of that member."""
        self._incarnations[index] += 1
        self.members[index] = self._make(index)

    def wipe(self) -> None:
        """Let the hub forget everything."""
        self._hub.wipe()

    def _make(self, index: int) -> Member:
        clock = self._clocks[index]
        breaker = make(clock, lambda: None, self._contract)
        info = MemberInfo(id=str(index), incarnation=self._incarnations[index])
        member = FleetMember(self._hub, info, clock)
        member.add(POOL, breaker)
        return Member(breaker, member)


def make_fleet(
    clocks: Sequence[Callable[[], float]], contract: Contract, reach: Callable[[int], float]
) -> Fleet:
    """Return a fleet with one member for each clock."""
    return Fleet(clocks, contract, reach)
