"""Session: the time in which one process is a member of one fleet, by one hub."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.calls.duration_histogram import DurationHistogram
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.events.listeners import Listener
from breakerd.breaker.fleet.hub.file.hub import FileHub
from breakerd.breaker.fleet.hub.protocol import Hub, HubUnavailableError, Progress
from breakerd.breaker.fleet.member import SILENCE, FleetMember, perform, set_mode
from breakerd.breaker.fleet.messages import Act, Register, View
from breakerd.breaker.fleet.runtime.identity import make_member_info, pool_name, settings_digest
from breakerd.breaker.fleet.runtime.modes_file import ModesFile
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.logging import get_logger
from breakerd.breaker.settings import Settings

_log = get_logger(__name__)

_EVIDENCE: Final = "evidence"
_COMMAND_TIME: Final = 2.0
"""Seconds in which a command reaches all: what the hub has of them changes meanwhile."""


class Breakers(Protocol):
    """Breakers of a process: a registry."""

    def __iter__(self) -> Iterator[Breaker]:
        """Iterate over the breakers that exist."""
        ...

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the events of all breakers; return what ends that."""
        ...


class _Place(NamedTuple):
    """Pool of a breaker that was brought in, and the settings that it follows from."""

    pool: str
    settings: Settings


class Session:
    """Membership of this process. For one thread, but for what is said to be for all.

    A breaker with calls is brought in with the next exchange; one whose settings have changed moves
    to the pool of those that have the same. The operators' modes apply to all breakers.

    Args:
        hub: where the members meet.
        settings: `[fleet]`.
        breakers: breakers of the process.
        modes: modes that this host remembers.
        incarnation: number that is larger than those of earlier sessions.
        looks_on: True if this process counts for nobody as long as it has no calls.

    Attributes:
        hub: for all threads.
        settings: for all threads.
        durations: seconds that exchanges took; for all threads to read.
    """

    def __init__(
        self,
        hub: Hub,
        settings: FleetSettings,
        breakers: Breakers,
        modes: ModesFile,
        incarnation: int,
        *,
        looks_on: bool = False,
    ) -> None:
        self.hub = hub
        self.settings = settings
        self.durations = DurationHistogram()
        self._breakers = breakers
        self._modes = modes
        self._pools: dict[str, _Place] = {}
        """Pools of the breakers that were brought in, by name."""
        self._set: dict[str, Register] = {}
        """Mode that was last applied to each breaker that was not brought in."""
        self._digested: list[Settings] = []
        """Settings that the digest was made of."""
        self._mark = 0
        self._problem = ""
        self._began = CLOCK.monotonic()
        self._saved: tuple[Register, ...] = modes.read()
        self._member = FleetMember(
            hub,
            make_member_info(settings, incarnation, breakers),
            CLOCK.monotonic,
            self._saved,
            shares_evidence=settings.share == _EVIDENCE,
        )
        self._member.looks_on = looks_on
        self._member.on_unheld = self._take_unheld

    # --- for all threads

    @property
    def view(self) -> View | None:
        """Return what the hub told last; None before its first answer."""
        return self._member.view

    @property
    def alone(self) -> bool:
        """True while the hub does not answer, or never did."""
        return self._member.alone

    @property
    def commanded_lately(self) -> bool:
        """True if an operator has commanded the fleet in the last two seconds."""
        return CLOCK.monotonic() - self._member.commanded_at < _COMMAND_TIME

    @property
    def joining(self) -> bool:
        """True as long as the hub's first answer is not late."""
        return self.view is None and CLOCK.monotonic() - self._began < SILENCE

    @property
    def member_id(self) -> str:
        """Return this process's id in the fleet."""
        return self._member.info.id

    @property
    def host(self) -> str:
        """Return this process's host in the fleet."""
        return self._member.info.host

    @property
    def digest(self) -> str:
        """Return the hash of this process's settings, as it was last told."""
        return self._member.info.digest

    @property
    def registers(self) -> tuple[Register, ...]:
        """Return the operators' modes that are known."""
        return self._member.registers

    @property
    def looks_on(self) -> bool:
        """True if this process counts for nobody: it has had no calls, and was made to look on."""
        return self._member.looks_on and not self._pools

    def hub_time(self) -> float:
        """Return the present time of the hub as this process reckons; 0 before its first answer."""
        return self._member.hub_time()

    def bring(self, register: Register) -> None:
        """Bring the hub a mode that was set while it was away."""
        self._member.bring(register)

    def progress(self, breaker: str, command: str) -> Progress:
        """Return how far a command has come; who is still to return to a hub that forgot waits.

        Raises:
            HubUnavailableError: the hub is out of reach.
        """
        found = self.hub.progress(breaker, command)
        known = max(self._member.forgotten_members(), int(self.holds(breaker)))
        missing = known - sum(found[:4]) - len(found.refused)
        return found._replace(waiting=found.waiting + max(0, missing))

    def claim(self, act: str) -> bool:
        """Return True if an act is to be done by who gave it; the fleet's thread leaves it then."""
        return self._member.claim(act)

    def note_done(self, act: str) -> None:
        """Tell the hub, with the next exchange, that an act was done by who gave it."""
        self._member.note_done(act)

    def holds(self, breaker: str) -> bool:
        """Return True if the breaker was brought in."""
        return breaker in self._pools

    def states(self) -> dict[str, str]:
        """Return the states of the breakers that were brought in, by pool, as reports have them."""
        pools = dict(self._pools)
        return {
            pools[breaker.name].pool: breaker.state.value.lower()
            for breaker in self._breakers
            if breaker.name in pools
        }

    # --- for its own thread

    def apply_modes(self) -> None:
        """Apply the modes that are known to breakers that were not brought in."""
        registers = {each.breaker: each for each in self._member.registers}
        for breaker in self._breakers:
            register = registers.get(breaker.name)
            if register is None or breaker.name in self._pools:
                continue
            if self._set.get(breaker.name) != register:
                self._set[breaker.name] = register
                set_mode(breaker, register)

    def apply_mode(self, breaker: Breaker) -> None:
        """Apply the mode that is known to a new breaker, before its first call. For all threads."""
        for register in self._member.registers:
            if register.breaker == breaker.name:
                set_mode(breaker, register)

    def needs_exchange(self) -> bool:
        """Return True if an exchange should not wait for the end of the interval. Cheap."""
        if self.alone:
            return False  # the next interval is soon enough for a hub that does not answer
        if self._member.has_news or any(map(self._is_new, self._breakers)):
            return True
        if not isinstance(self.hub, FileHub):
            return False
        known, self._mark = self._mark, self.hub.command_mark()
        return self._mark != known

    def next_interval(self, chance: float) -> float:
        """Return the seconds until the next exchange; `chance` is a random number below 1."""
        return self._member.next_interval(self.settings.interval, chance)

    def exchange(self, *, leaving: bool = False) -> bool:
        """Exchange with the hub; return True if it has answered. It never raises."""
        began = CLOCK.monotonic()
        try:
            self._bring_breakers()
            answered = self._member.exchange(leaving=leaving)
            self.apply_modes()
            self._save_modes()
        except Exception as error:  # noqa: BLE001 - calls go on, and the next exchange may succeed
            self._tell(repr(error))
            self._member.note_silence()
            return False
        self.durations.add(CLOCK.monotonic() - began)
        if answered:
            self._tell("")
        return answered

    def end(self) -> None:
        """Leave the fleet: each breaker decides alone from then on."""
        self.exchange(leaving=True)
        self.abandon()
        close = getattr(self.hub, "close", None)
        if close is not None:
            close()

    def abandon(self) -> None:
        """Let each breaker decide alone, and tell nobody."""
        for place in self._pools.values():
            self._member.remove(place.pool)
        self._pools.clear()

    def _is_new(self, breaker: Breaker) -> bool:
        return breaker.name not in self._pools and _has_calls(breaker)

    def _bring_breakers(self) -> None:
        """Bring in breakers with calls, and move those that were changed."""
        for breaker in self._breakers:
            place = self._pools.get(breaker.name)
            if place is None and not _has_calls(breaker):
                continue
            if place is None or place.settings is not breaker.settings:
                self._place(breaker, place)
        settings = [each.settings for each in self._breakers]
        if settings != self._digested:
            self._digested = settings
            digest = settings_digest(self._breakers)
            self._member.info = self._member.info._replace(digest=digest)

    def _take_unheld(self, act: Act) -> None:
        """Bring in a breaker that exists here and was not called: an operator's act is for all.

        Who looks on stays nobody, and does the act only if it is for nobody else.
        """
        breaker = next((each for each in self._breakers if each.name == act.breaker), None)
        if breaker is None:
            return
        if not self.looks_on:
            self._place(breaker, None)
            return
        with suppress(HubUnavailableError, BreakerStateError):
            if not self.hub.progress(act.breaker, act.id).has_holders:
                perform(breaker, act)

    def _place(self, breaker: Breaker, present: _Place | None) -> None:
        """Bring a breaker in, or move it, into the pool that its settings ask for."""
        settings = breaker.settings
        pool = pool_name(breaker.name, self.settings.role, settings)
        if present is None or present.pool != pool:
            if present is not None:
                self._member.remove(present.pool)
            self._member.add(pool, breaker)
        self._pools[breaker.name] = _Place(pool, settings)

    def _save_modes(self) -> None:
        known = self._member.registers
        if known != self._saved:
            now = self.view.now if self.view else time.time()
            if self._modes.add(known, now):
                self._saved = known  # else they are added again with the next exchange

    def _tell(self, problem: str) -> None:
        """Log a problem that the hub does not log itself: when it begins, and when it ends."""
        known, self._problem = self._problem, problem
        if problem and not known:
            _log.error("exchange failed, each process decides alone", problem=problem)
        elif known and not problem:
            _log.info("exchange works again")


def _has_calls(breaker: Breaker) -> bool:
    gate = breaker.machinery.gate
    return bool(gate.admitted or gate.rejected)
