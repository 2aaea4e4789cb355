"""Member of a fleet: one process, which exchanges with the hub for all of its breakers.

Whoever owns it calls `exchange` once an interval, from a thread of its own. No call waits for that:
what a view brings ends in the decisions that each breaker prepares anyway.
"""

from collections.abc import Callable, Iterable
from math import inf
from typing import Final, NamedTuple
from zlib import crc32

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.fleet.commands import CommandLog
from breakerd.breaker.fleet.follower import Follower
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.messages import Act, MemberInfo, Register, Report, View
from breakerd.breaker.states import DISABLED, FORCED_OPEN, OBSERVE

SILENCE: Final = 3.0
"""Seconds without an answer after which the members decide alone."""
EXCHANGES_A_SECOND: Final = 400
"""Exchanges of all members together, beyond which those that follow no episode make fewer ..."""
LONGEST_INTERVAL: Final = 4.0
"""... but none less often than once in so many seconds: then it would count as silent."""
RETURN_TIME: Final = 5.0
"""Seconds after which who has not reported to a hub that has forgotten is gone."""


class _Contact(NamedTuple):
    """Last answer of the hub, and its time: replaced as a whole, so that any thread may read it.

    Attributes:
        alone: True while the hub does not answer, or never did.
        view: its last answer; None before the first.
        heard_at: time of that on the breakers' clock, in seconds.
        offset: hub time less the time of that clock.
        commanded_at: time on that clock at which an operator's command came last.
    """

    alone: bool
    view: View | None
    heard_at: float
    offset: float = 0.0
    commanded_at: float = -inf


class FleetMember:
    """One process in a fleet. Exchanges are for one thread; any thread may read and command.

    Args:
        hub: where the members meet.
        info: facts of this process.
        clock: the breakers' clock, in seconds.
        registers: modes that the host's disk remembers; they are in force before the first view.

    Attributes:
        shares_evidence: False if the members share commands only, and each decides for itself.
        looks_on: True if it counts for nobody as long as it has no breaker.
        info: facts of this process; replaced as a whole.
    """

    def __init__(
        self,
        hub: Hub,
        info: MemberInfo,
        clock: Callable[[], float],
        registers: Iterable[Register] = (),
        *,
        shares_evidence: bool = True,
    ) -> None:
        self.shares_evidence = shares_evidence
        self.looks_on = False
        self.info = info
        self.on_unheld: Callable[[Act], None] = _leave
        """Called with an act on a breaker that was not brought in, before it would be done."""
        self._hub = hub
        self._clock = clock
        self._contact = _Contact(alone=True, view=None, heard_at=clock())
        self._seq = 0
        self._forgotten = (0, -inf)
        """Members that the hub knew before it forgot, and when it has forgotten."""
        self._commands = CommandLog(registers)
        self._breakers: dict[str, Breaker] = {}
        self._followers: dict[str, Follower] = {}

    @property
    def alone(self) -> bool:
        """True while the hub does not answer, or never did."""
        return self._contact.alone

    @property
    def view(self) -> View | None:
        """Return what the hub told last; None before the first answer."""
        return self._contact.view

    @property
    def commanded_at(self) -> float:
        """Return when an operator's command came last, on the breakers' clock; -inf if none did."""
        return self._contact.commanded_at

    @property
    def registers(self) -> tuple[Register, ...]:
        """Return the operators' modes that are known, for the host's disk."""
        return self._commands.registers

    @property
    def has_news(self) -> bool:
        """True if there is something that the hub is to know before the next interval."""
        return self._commands.has_news or any(f.has_result for f in self._followers.values())

    def next_interval(self, wanted: float, chance: float) -> float:
        """Return the seconds until the next exchange; see `interval_of`."""
        if self.alone or self.view is None or any(f.follows for f in self._followers.values()):
            return wanted
        return interval_of(wanted, self.view.members, chance)

    def bring(self, register: Register) -> None:
        """Bring the hub a mode that was set while it was away, with the next report."""
        self._commands.bring(register)

    def claim(self, act: str) -> bool:
        """Return True if an act is to be done here, without a view; thread-safe, as is `bring`."""
        # Without an answer so far the hub's time is not known: it is remembered for good.
        return self._commands.claim(act, self.hub_time() or inf)

    def note_done(self, act: str) -> None:
        """Tell the hub that an act was done here, without a view; thread-safe."""
        self._commands.note(act, "done")

    def hub_time(self) -> float:
        """Return the present time of the hub as this process reckons; 0 before its first answer."""
        contact = self._contact
        return self._clock() + contact.offset if contact.view is not None else 0.0

    def forgotten_members(self) -> int:
        """Return how many members the hub knew before it forgot; 0 if that is long ago."""
        count, at = self._forgotten
        return count if self._clock() - at < RETURN_TIME else 0

    def add(self, pool: str, breaker: Breaker) -> None:
        """Bring a breaker in; `pool` is `NAME|GROUP`, the same for all members that are alike."""
        credit = crc32(f"{self.info.id} {self.info.incarnation} {pool}".encode()) / 2**32
        core = breaker.machinery.core
        driven = not CLOCK.stands_for(self._clock)
        self._followers[pool] = Follower(
            pool, self.info.scopes, core, self._hub_time, credit, driven=driven
        )
        self._breakers[pool] = breaker
        for register in self.registers:
            if register.breaker == breaker.name:
                set_mode(breaker, register)

    def remove(self, pool: str) -> None:
        """Take a breaker out; it decides alone from then on."""
        del self._breakers[pool]
        self._followers.pop(pool).end()

    def exchange(self, *, leaving: bool = False) -> bool:
        """Exchange with the hub, and once more if there is something to say at once.

        `leaving` is True for the last time, when the process ends in order. Return False if the hub
        cannot be reached.
        """
        try:
            if self._exchange_once(leaving=leaving) and not leaving:
                self._exchange_once()
        except ConnectionError:
            self.note_silence()
            return False
        return True

    def _exchange_once(self, *, leaving: bool = False) -> bool:
        self._seq += 1
        outcomes, missing = self._commands.outcomes, self._commands.missing
        evidence = self.shares_evidence
        report = Report(
            member=self.info,
            seq=self._seq,
            epoch=self.view.epoch if self.view else "",
            register_version=self._commands.version,
            breakers=tuple(f.report(evidence=evidence) for f in self._followers.values()),
            registers=missing,
            applied=outcomes,
            # Who looks on is told all, and is in no list and no sum.
            leaving=leaving or (self.looks_on and not self._followers),
        )
        view = self._hub.exchange(report)
        self._commands.told(outcomes)
        return self._apply(view, missing)

    def _apply(self, view: View, brought: tuple[Register, ...]) -> bool:
        """Do what the view asks for; return True if there is something to say at once."""
        now = self._clock()
        before, commanded = self.view, self._contact.commanded_at
        if before is not None and view.epoch != before.epoch:
            self._forgotten = (max(before.members, self.forgotten_members()), now)
        self._contact = _Contact(
            alone=False, view=view, heard_at=now, offset=view.now - now, commanded_at=commanded
        )
        again = False
        for each in view.breakers:
            follower = self._followers.get(each.pool)
            if follower is not None and self.shares_evidence:
                again |= follower.apply(each)
            elif follower is not None:
                follower.end()
        modes = self._commands.take_modes(view, brought)
        for register in modes:
            for breaker in self._named(register.breaker):
                set_mode(breaker, register)
        acts = self._commands.take_acts(view)
        for act in acts:
            self._do(act)
        if modes or acts:
            self._contact = self._contact._replace(commanded_at=now)
        return again or bool(modes) or self._commands.has_news

    def _do(self, act: Act) -> None:
        if not self._named(act.breaker):
            self.on_unheld(act)
        for pool, breaker in self._breakers.items():
            if breaker.name != act.breaker:
                continue
            try:
                perform(breaker, act)
            except BreakerStateError as error:
                self._commands.note(act.id, str(error))
                continue
            if act.kind == "reset":
                self._followers[pool].end_episodes()
            self._commands.note(act.id, "done")

    def _named(self, name: str) -> list[Breaker]:
        return [breaker for breaker in self._breakers.values() if breaker.name == name]

    def note_silence(self) -> None:
        """Decide alone once the hub has been silent for `SILENCE` seconds."""
        contact = self._contact
        if contact.alone or self._clock() - contact.heard_at < SILENCE:
            return
        self._contact = contact._replace(alone=True)
        for follower in self._followers.values():
            follower.decide_alone()

    def _hub_time(self, now: float) -> float:
        return now + self._contact.offset


def _leave(_act: Act) -> None:
    """Leave an act to those who hold its breaker."""


def interval_of(wanted: float, members: int, chance: float) -> float:
    """Return the seconds between two exchanges: more than wanted in a very large fleet.

    Args:
        wanted: seconds that the settings state.
        members: number of members.
        chance: random number from 0 up to 1, by which members that began together spread.
    """
    spread = 0.8 + 0.4 * chance
    return max(wanted, min(LONGEST_INTERVAL, members / EXCHANGES_A_SECOND * spread))


def set_mode(breaker: Breaker, register: Register) -> None:
    """Set the operator's mode of a breaker, unless it has it."""
    override = breaker.machinery.core.engine.machine.override
    mode = override.value.lower() if override else ""
    if mode == register.mode:
        return
    if register.mode == DISABLED.value.lower():
        breaker.disable(by=register.actor)
    elif register.mode == FORCED_OPEN.value.lower():
        breaker.force_open(register.note, by=register.actor)
    elif register.mode == OBSERVE.value.lower():
        breaker.observe(by=register.actor)
    else:
        breaker.enable(by=register.actor)


def perform(breaker: Breaker, act: Act) -> None:
    """Do an act.

    Raises:
        BreakerStateError: the breaker's state does not allow it, or the act is not known here.
    """
    if act.kind == "trip":
        breaker.trip(act.note or "manual", by=act.actor)
    elif act.kind == "reset":
        breaker.reset(by=act.actor)
    elif act.kind == "drill_latency":
        breaker.drills.latency()
    elif act.kind == "drill_memory":
        breaker.drills.memory()
    elif act.kind == "end_memory_drill":
        breaker.drills.end_memory()
    else:
        raise BreakerStateError(f"this version does not know {act.kind!r}")
