"""Messages between a member of a fleet and its hub: a report up, a view down.

All are tuples of plain values, so that they can be sent as JSON arrays; see `wire`. Times are in
seconds of the hub's clock. New fields go to the end and have defaults, so that a hub serves members
of the version before, and the other way round.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from breakerd.breaker.fleet.episode import Episode

PROTOCOL: Final = 1
"""Version of the messages."""
FLEET: Final = "fleet"
"""Scope of all members."""
WINDOW_SLOTS: Final = 10
"""Slots of a report: what is older is gone."""


class MemberInfo(NamedTuple):
    """Facts of one process that do not change while it runs.

    Attributes:
        id: unique among the members.
        incarnation: number that is larger for each new start with the same id.
        host: machine or pod; members that share one are one unit.
        zone: failure domain of the host; empty if it is not known.
        role: what the process is, as `web` or `worker`.
        pid: process id.
        version: version of the software.
        digest: short hash of the settings.
        labels: (name, value) pairs for people.
        one_host: True if all members share one host, so that its sums are those of the fleet.
    """

    id: str
    incarnation: int = 0
    host: str = ""
    zone: str = ""
    role: str = ""
    pid: int = 0
    version: str = ""
    digest: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    one_host: bool = False

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that the member belongs to, the narrowest first."""
        if self.one_host:
            return (FLEET,)
        host = (f"host:{self.host}",) if self.host else ()
        zone = (f"zone:{self.zone}",) if self.zone else ()
        return (*host, *zone, FLEET)


class Slot(NamedTuple):
    """Calls of one member and breaker in one second of the hub's clock.

    Attributes:
        number: the second, as a whole number.
        calls: calls of the present generation that began in it and have ended.
        failures: those of them that failed or timed out.
        offered: calls that were admitted or rejected in it.
        busy_ms: milliseconds that the calls took which succeeded in it.
        ended: calls that succeeded in it.
        slow: calls that ended in it, well or not, after a long part of the time-out.
    """

    number: int
    calls: int = 0
    failures: int = 0
    offered: int = 0
    busy_ms: int = 0
    ended: int = 0
    slow: int = 0


class Totals(NamedTuple):
    """Counts over the whole window of a report, for people and for sums.

    Attributes:
        calls: calls that ended.
        failures: calls reported as failed.
        slow: successful calls that took longer than the latency threshold.
        timed_out: calls that ended after the stated time-out.
        abandoned: calls that their caller gave up.
        rejected: calls that were rejected.
        usual_milli: usual number of calls in flight, times 1000.
        in_flight: calls in flight at the moment of the report.
    """

    calls: int = 0
    failures: int = 0
    slow: int = 0
    timed_out: int = 0
    abandoned: int = 0
    rejected: int = 0
    usual_milli: int = 0
    in_flight: int = 0


class LeaseResult(NamedTuple):
    """Outcome of a lease: `outcome` is "good", "bad" or "unused"."""

    lease: str
    outcome: str


class ScopeReport(NamedTuple):
    """Part of a report about one scope of one breaker.

    Attributes:
        scope: `fleet`, `zone:NAME` or `host:NAME`.
        generation: generation that the counts belong to.
        expected: version of the episode that the member knows, 0 for none.
        wants: calls per second that could use a probe's lease; 0 if it wants none.
        result: what became of the last lease.
        proposal: the episode as it is to be from now on.
    """

    scope: str
    generation: int = 0
    expected: int = 0
    wants: float = 0.0
    result: LeaseResult | None = None
    proposal: Episode | None = None


class BreakerReport(NamedTuple):
    """Recent window of one breaker at one member, in absolute counts.

    Attributes:
        pool: the breaker's name and the group of members that are alike, as `NAME|GROUP`.
        state: state that calls meet, as `closed`.
        slots: the newest slots with calls, oldest first.
        totals: counts of the window.
        sketch: durations of the window: number of the first bucket, then the count of each bucket.
        scopes: one for each scope of the member, the narrowest first.
    """

    pool: str
    state: str = "closed"
    slots: tuple[Slot, ...] = ()
    totals: Totals = Totals()
    sketch: tuple[int, ...] = ()
    scopes: tuple[ScopeReport, ...] = ()


class Register(NamedTuple):
    """An operator's mode of one breaker: the last writer wins.

    Attributes:
        breaker: name of the breaker.
        mode: `disabled`, `forced_open` or `observe`; empty for the breaker's own decisions.
        epoch: the hub's epoch when it was written; epochs are ordered by their beginning.
        at: hub time at which it was written.
        id: random id of the command.
        note: the operator's words.
        actor: the operator's name.
    """

    breaker: str
    mode: str = ""
    epoch: str = ""
    at: float = 0.0
    id: str = ""
    note: str = ""
    actor: str = ""

    @property
    def order(self) -> tuple[str, float, str]:
        """Return what decides which of two registers is the later one."""
        return self.epoch, self.at, self.id


class Act(NamedTuple):
    """An operator's act: done once by each member that is there, and never replayed.

    Attributes:
        id: random id, by which it is done once.
        kind: `trip`, `reset`, `drill_latency`, `drill_memory` or `end_memory_drill`.
        breaker: name of the breaker.
        at: hub time at which it was given.
        note: the operator's words.
        actor: the operator's name.
    """

    id: str
    kind: str
    breaker: str
    at: float = 0.0
    note: str = ""
    actor: str = ""


class Report(NamedTuple):
    """Report: a member's side of an exchange.

    Attributes:
        member: facts of the process.
        seq: number of the report; the hub takes no older one of the same incarnation.
        epoch: epoch of the last view, empty before the first.
        register_version: version of the registers that the member has.
        breakers: all breakers of the member.
        registers: registers that the member knows to be missing at the hub.
        applied: (id, outcome) of acts done since the last report; `done`, or why it was not.
        leaving: True in the last report of a process that ends in order.
        protocol: version of the messages.
    """

    member: MemberInfo
    seq: int
    epoch: str = ""
    register_version: int = 0
    breakers: tuple[BreakerReport, ...] = ()
    registers: tuple[Register, ...] = ()
    applied: tuple[tuple[str, str], ...] = ()
    leaving: bool = False
    protocol: int = PROTOCOL


class PoolSlot(NamedTuple):
    """Calls of all members of a scope in one second of the hub's clock; see `Slot`.

    `calls` and `failures` are capped: a busy member counts as no more than a few calls. A unit has
    traffic if a call ended there, and is in trouble if most of its calls failed.

    Attributes:
        number: the second, as a whole number.
        calls: calls, each member's capped.
        failures: failures, in proportion.
        members: members with traffic.
        bad_members: those of them in trouble.
        hosts: hosts with traffic.
        bad_hosts: those of them in trouble.
        zones: zones with traffic.
        bad_zones: those of them in trouble.
        offered: calls admitted or rejected, not capped.
        busy_ms: milliseconds that the calls took which succeeded in it, not capped.
        ended: calls that succeeded in it, not capped.
        active: members in which calls succeeded, or ended slowly.
        slow_members: those of them in which most of these calls were slow.
    """

    number: int
    calls: int = 0
    failures: int = 0
    members: int = 0
    bad_members: int = 0
    hosts: int = 0
    bad_hosts: int = 0
    zones: int = 0
    bad_zones: int = 0
    offered: int = 0
    busy_ms: int = 0
    ended: int = 0
    active: int = 0
    slow_members: int = 0


class Worst(NamedTuple):
    """A member with many failures in its window, at hub time `at`."""

    member: str
    host: str = ""
    calls: int = 0
    failures: int = 0
    at: float = 0.0


class Lease(NamedTuple):
    """Permission for one probe until hub time `until`."""

    id: str
    until: float


class PoolView(NamedTuple):
    """Sums of one scope of one breaker, and its episode.

    Attributes:
        scope: `fleet`, `zone:NAME` or `host:NAME`.
        slots: the newest slots, oldest first.
        totals: sums of the members' windows.
        members: number of members that hold this breaker.
        states: (state, number of members in it).
        worst: up to three members, the worst first.
        episode: the present or last time of trouble; None if there was none.
        lease: the lease that the member who asks holds.
    """

    scope: str
    slots: tuple[PoolSlot, ...] = ()
    totals: Totals = Totals()
    members: int = 0
    states: tuple[tuple[str, int], ...] = ()
    worst: tuple[Worst, ...] = ()
    episode: Episode | None = None
    lease: Lease | None = None


class BreakerView(NamedTuple):
    """Scopes of one breaker, the narrowest first."""

    pool: str
    scopes: tuple[PoolView, ...] = ()


class View(NamedTuple):
    """View: the hub's side of an exchange.

    Attributes:
        epoch: id of the hub's memory; another one means that the hub has forgotten.
        now: hub time.
        members: number of members that are not silent.
        breakers: views of the breakers that the report named.
        register_version: version of all registers.
        registers: registers newer than the member's version; all of them after another epoch.
        acts: acts in force that the member has not done and was there for.
        protocol: version of the messages.
        topics: (topic, version of its newest write) of the hub's store.
        silent: number of members that went silent in the last minutes, and have not left.
    """

    epoch: str
    now: float
    members: int = 0
    breakers: tuple[BreakerView, ...] = ()
    register_version: int = 0
    registers: tuple[Register, ...] = ()
    acts: tuple[Act, ...] = ()
    protocol: int = PROTOCOL
    topics: tuple[tuple[str, int], ...] = ()
    silent: int = 0


def member_info(data: Sequence[Any]) -> MemberInfo:
    """Return the facts that were stored as a JSON array."""
    info = MemberInfo(*data[: len(MemberInfo._fields)])
    return info._replace(labels=tuple((str(name), str(value)) for name, value in info.labels))
