"""Commands of an operator to one breaker in all processes of a fleet: give them, and follow them.

A mode stays until another one is set, also in processes that come later. An act is done once by
each process that is there.
"""

import threading
import time
from dataclasses import replace
from typing import Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.state import random_id
from breakerd.breaker.fleet.member import perform, set_mode
from breakerd.breaker.fleet.messages import Act, Register
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.runtime.session import Session

ANSWER_TIME: Final = 2.0
"""Maximum seconds that a command waits for the processes that it was given to."""
_MEET_TIME: Final = 0.25
"""Maximum seconds that an act waits for this process to bring in a breaker just called."""
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.2
"""Seconds between two questions how far a command has come."""
_KEPT: Final = "the hub is away: done in this process, and brought to the others when it is back"
_NOT_KEPT: Final = "the hub is away: done in this process only"


class FleetCommands:
    """Commands over the fleet of a runtime. Thread-safe; each takes at most about 2 s.

    While the hub is away, a command is done in this process only. A mode is brought to the others
    when the hub is back, unless somebody has set a later one.

    Args:
        runtime: membership of this process.
    """

    def __init__(self, runtime: FleetRuntime) -> None:
        self._runtime = runtime

    def set_mode(self, breaker: Breaker, register: Register) -> CommandResult:
        """Set a mode of a breaker in all processes; see `Register`."""
        until = CLOCK.monotonic() + ANSWER_TIME
        session = self._runtime.session
        given = self._give_mode(session, breaker, register)
        if session is None:
            return CommandResult(applied=1)
        if given is None:
            return self._alone(session, kept=True)
        result = self._follow(session, breaker.name, given.id, until)
        return _counted_here(session, breaker, result)

    def act(self, breaker: Breaker, act: Act, *, ends_mode: str = "") -> CommandResult:
        """Let all processes do an act.

        Args:
            breaker: the breaker.
            act: the act; its id is filled in.
            ends_mode: mode that ends with it; "*" for any.

        Raises:
            BreakerStateError: nobody could do it, since the breaker's state does not allow it.
        """
        until = CLOCK.monotonic() + ANSWER_TIME
        session = self._runtime.session
        if session is not None and not session.holds(breaker.name):
            self._runtime.meet(_MEET_TIME)
        if ends_mode:
            self._end_mode(session, breaker, act, ends_mode)
        act = act._replace(id=random_id())
        # Where this process is a member of the breaker's pool, the view brings it.
        own = session is None or not (session.holds(breaker.name) or session.looks_on)
        if own:
            self._do_here(session, breaker, act)
        given = self._give_act(session, act)
        if session is None:
            return CommandResult(applied=1)
        if given is None:
            if not own and session.claim(act.id):
                perform(breaker, act)
            return self._alone(session, kept=False)
        result = self._follow(session, breaker.name, given.id, until)
        if result.refused and not result.applied + result.waiting:
            raise BreakerStateError(result.refused[0][1])
        if session.looks_on and _is_nobodys(result):
            perform(breaker, act)
        return _counted_here(session, breaker, result)

    def _do_here(self, session: Session | None, breaker: Breaker, act: Act) -> None:
        """Do an act at once; a view that brings it, after a first call meanwhile, finds it done.

        Raises:
            BreakerStateError: the breaker's state does not allow it; nobody is given it.
        """
        perform(breaker, act)
        if session is not None and session.claim(act.id):
            session.note_done(act.id)

    def _give_mode(
        self, session: Session | None, breaker: Breaker, register: Register
    ) -> Register | None:
        """Set a mode at the hub, and here; return it as the hub has it, None without a hub."""
        now = session.hub_time() if session is not None else 0.0
        wanted = register._replace(id=random_id(), at=now)
        given = None
        if session is not None:
            try:
                given = session.hub.set_mode(wanted)
            except HubUnavailableError:
                epoch = session.view.epoch if session.view else ""
                # Where the hub was never heard, its host's clock is the best guess.
                session.bring(wanted._replace(epoch=epoch, at=now or time.time()))
        # Where this process is a member of the breaker's pool, the view brings it.
        if session is None or given is None or not session.holds(breaker.name):
            set_mode(breaker, wanted)
        self._runtime.exchange_soon()
        return given

    def _end_mode(self, session: Session | None, breaker: Breaker, act: Act, mode: str) -> None:
        known = {each.breaker: each.mode for each in session.registers} if session else {}
        if mode == "*" or known.get(breaker.name) == mode:
            self._give_mode(session, breaker, Register(breaker.name, actor=act.actor))

    def _give_act(self, session: Session | None, act: Act) -> Act | None:
        if session is None:
            return None
        try:
            return session.hub.act(act._replace(at=session.hub_time()))
        except HubUnavailableError:
            return None

    def _follow(self, session: Session, breaker: str, command: str, until: float) -> CommandResult:
        """Wait until nobody is waited for, at most until that time."""
        result = CommandResult()
        pause = threading.Event()
        seconds = _FIRST_PAUSE
        self._runtime.exchange_soon()
        while True:
            try:
                result = CommandResult.from_progress(session.progress(breaker, command))
            except HubUnavailableError as error:
                return CommandResult(*_counts(result), result.refused, f"the hub is away: {error}")
            left = until - CLOCK.monotonic()
            if not result.waiting or left <= 0:
                return result
            pause.wait(min(seconds, left))
            seconds = min(2 * seconds, _LONGEST_PAUSE)

    def _alone(self, session: Session, *, kept: bool) -> CommandResult:
        """Return the result of a command that only this process has done."""
        others = max(0, session.view.members - 1) if session.view else 0
        if kept:
            return CommandResult(applied=1, waiting=others, problem=_KEPT)
        return CommandResult(applied=1, silent=others, problem=_NOT_KEPT)


def _counted_here(session: Session, breaker: Breaker, result: CommandResult) -> CommandResult:
    """Count this process, if it is no member of the breaker's pool and has done it all the same."""
    if session.holds(breaker.name):
        return result
    if session.looks_on:
        return replace(result, applied=1) if _is_nobodys(result) else result
    return replace(result, applied=result.applied + 1, without=max(0, result.without - 1))


def _is_nobodys(result: CommandResult) -> bool:
    """Return True if no process has called the breaker."""
    return not (result.applied or result.waiting or result.silent or result.refused)


def _counts(result: CommandResult) -> tuple[int, int, int, int]:
    return result.applied, result.waiting, result.silent, result.without
