"""Commands of an operator to one breaker in all processes of a fleet: give them, and follow them.

A mode stays until another one is set, also in processes that come later. An act is done once by
each process that is there.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import BreakerStateError
from breakerd.breaker.fleet.hub.protocol import HubUnavailableError
from breakerd.breaker.fleet.hub.state import random_id
from breakerd.breaker.fleet.member import perform, set_mode
from breakerd.breaker.fleet.messages import Act, Register
from breakerd.breaker.fleet.runtime.bounded import run_until
from breakerd.breaker.fleet.runtime.command_result import CommandResult
from breakerd.breaker.fleet.runtime.runtime import FleetRuntime
from breakerd.breaker.fleet.runtime.session import Session

T = TypeVar("T")

ANSWER_TIME: Final = 2.0
"""Maximum seconds that a command waits, for the hub and for the processes it was given to."""
_MEET_TIME: Final = 0.25
"""Maximum seconds that a command waits for one exchange of this process: its first one, or the one
that brings in a breaker just called."""
_START_TIME: Final = 1.0
"""Maximum seconds that a command waits for the start that it causes, or that is going on."""
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.2
"""Seconds between two questions how far a command has come."""
_QUESTIONS: Final = 3
"""Times that a hub which has answered so far is asked the same."""
_QUESTION_TIME: Final = 0.2
"""Seconds that must be left for a question."""
_KEPT: Final = "the hub is away: done in this process, and brought to the others when it is back"
_NOT_KEPT: Final = "the hub is away: done in this process only"
_NO_MEMBER: Final = "done in this process only"
_END_KEPT: Final = (
    "the hub is away: done in this process; where the mode is in force, its end is brought to the "
    "others when it is back"
)


class FleetCommands:
    """Commands over the fleet of a runtime. Thread-safe; each takes at most about 2 s.

    While the hub is away, a command is done in this process only. A mode, and the end of one, is
    brought to the others when the hub is back, unless somebody has set a later one.

    Args:
        runtime: membership of this process.
    """

    def __init__(self, runtime: FleetRuntime) -> None:
        self._runtime = runtime

    def set_mode(self, breaker: Breaker, register: Register) -> CommandResult:
        """Set a mode of a breaker in all processes; see `Register`."""
        deadline = CLOCK.monotonic() + ANSWER_TIME
        session = self._join(breaker)
        if session is None:
            set_mode(breaker, register)
            return self._as_no_member()
        return _Command(self._runtime, session, breaker, deadline).set_mode(register)

    def act(self, breaker: Breaker, act: Act, *, ends_mode: str = "") -> CommandResult:
        """Let all processes do an act.

        Args:
            breaker: the breaker.
            act: the act; its id is filled in.
            ends_mode: mode that ends with it; "*" for any.

        Raises:
            BreakerStateError: nobody could do it, since the breaker's state does not allow it.
        """
        deadline = CLOCK.monotonic() + ANSWER_TIME
        session = self._join(breaker)
        if session is None:
            if ends_mode == "*":
                set_mode(breaker, Register(breaker.name, actor=act.actor))
            perform(breaker, act)
            return self._as_no_member()
        return _Command(self._runtime, session, breaker, deadline).act(act, ends_mode)

    def _join(self, breaker: Breaker) -> Session | None:
        """Return the membership of this process, which a command brings about as a call does.

        A moment is waited for its start and its first exchange: what is given before reaches nobody
        else. None if there is none.
        """
        pause = threading.Event()
        until = CLOCK.monotonic() + _START_TIME
        if self._runtime.starting:
            breaker.lifecycle.use()
        while self._runtime.starting and CLOCK.monotonic() < until:
            pause.wait(_FIRST_PAUSE)
        session = self._runtime.session
        if session is not None and session.joining:
            self._runtime.wait_joined(_MEET_TIME)
        return session

    def _as_no_member(self) -> CommandResult:
        """Return the result of a command in a process that shares its breakers with nobody."""
        why = self._runtime.not_running().get("fleet")
        return CommandResult(applied=1, problem=f"{_NO_MEMBER}: {why}" if why else "")


class _Command:
    """One command on its way through the fleet, until a deadline of the steady clock."""

    def __init__(
        self, runtime: FleetRuntime, session: Session, breaker: Breaker, deadline: float
    ) -> None:
        self._deadline = deadline
        self._runtime = runtime
        self._session = session
        self._breaker = breaker

    def set_mode(self, register: Register) -> CommandResult:
        """Set a mode; see `FleetCommands`."""
        given = self._give_mode(register)
        if given is None:
            return self._alone(_KEPT)
        result = self._follow(given.id)
        if result.problem:  # this process may not hear of it for long
            self._session.bring(given)
            set_mode(self._breaker, given)
        return self._counted_here(result)

    def act(self, act: Act, ends_mode: str) -> CommandResult:
        """Let all processes do an act; see `FleetCommands`."""
        if not self._session.holds(self._breaker.name):
            self._runtime.meet(_MEET_TIME)
        end_kept = self._ends(ends_mode) and self._give_mode(self._end_of(act)) is None
        result = self._give_act(act._replace(id=random_id()))
        if result is None:
            return self._alone(_END_KEPT) if end_kept else self._alone(_NOT_KEPT, kept=False)
        if result.refused and not result.applied + result.waiting:
            raise BreakerStateError(result.refused[0][1])
        return self._counted_here(result)

    def _give_act(self, act: Act) -> CommandResult | None:
        """Give an act to the others, and do it here; return how far it came, None without a hub."""
        session, breaker = self._session, self._breaker
        by_view = session.holds(breaker.name)  # a view brings it, as to all others
        at_once = not (by_view or session.looks_on)
        if at_once:
            perform(breaker, act)  # if it cannot, nobody is given it
        if not by_view:
            session.claim(act.id)
        given = self._give(lambda: session.hub.act(act._replace(at=session.hub_time())))
        if at_once:
            session.note_done(act.id)  # not before the hub has the act: it would forget that
        result = self._follow(given.id) if given is not None else None
        if by_view and (result is None or result.problem):
            self._claim(act)  # this process may not hear of it for long
        if session.looks_on and (result is None or _is_nobodys(result)):
            perform(breaker, act)
        return result

    def _claim(self, act: Act) -> None:
        """Do an act here, unless a view has brought it; it is done once."""
        if self._session.claim(act.id):
            perform(self._breaker, act)
            self._session.note_done(act.id)

    def _give_mode(self, register: Register) -> Register | None:
        """Set a mode at the hub, and here; return it as the hub has it, None while that is away."""
        session = self._session
        now = session.hub_time()
        wanted = register._replace(id=random_id(), at=now)
        given = self._give(lambda: session.hub.set_mode(wanted))
        if given is None:
            epoch = session.view.epoch if session.view else ""
            # Where the hub was never heard, its host's clock is the best guess.
            session.bring(wanted._replace(epoch=epoch, at=now or time.time()))
        # Where this process is a member of the breaker's pool, the view brings it.
        if given is None or not session.holds(self._breaker.name):
            set_mode(self._breaker, wanted)
        self._runtime.exchange_soon()
        return given

    def _ends(self, mode: str) -> bool:
        """Return True if an act ends a mode: any of its name that is known, or any at all."""
        name = self._breaker.name
        known = {each.breaker: each.mode for each in self._session.registers}
        return mode == "*" or (mode != "" and known.get(name) == mode)

    def _end_of(self, act: Act) -> Register:
        return Register(self._breaker.name, actor=act.actor)

    def _give(self, operation: Callable[[], T]) -> T | None:
        """Give the hub something; return its answer, None if it is away or the time is over."""
        try:
            return self._ask(operation)
        except HubUnavailableError:
            return None

    def _ask(self, operation: Callable[[], T]) -> T:
        """Return the hub's answer; ask again where a busy disk, say, has let it fail once.

        What is given has an id, by which it is done once.
        """
        again = 0 if self._session.alone else _QUESTIONS - 1
        while True:
            try:
                return run_until(self._deadline, operation)
            except HubUnavailableError:
                if not again or self._deadline - CLOCK.monotonic() < _LONGEST_PAUSE:
                    raise
            again -= 1
            threading.Event().wait(_LONGEST_PAUSE)

    def _follow(self, command: str) -> CommandResult:
        """Wait until nobody is waited for, while there is time."""
        result = CommandResult()
        name, session = self._breaker.name, self._session
        pause = threading.Event()
        seconds = _FIRST_PAUSE
        self._runtime.exchange_soon()
        while True:
            try:
                progress = self._ask(lambda: session.progress(name, command))
            except HubUnavailableError as error:
                problem = f"the hub is away: {error}"
                known = not _is_nobodys(result)
                return replace(result, problem=problem) if known else self._alone(problem)
            result = CommandResult.from_progress(progress)
            left = self._deadline - CLOCK.monotonic()
            if not result.waiting or left <= seconds + _QUESTION_TIME:
                return result
            pause.wait(seconds)
            seconds = min(2 * seconds, _LONGEST_PAUSE)

    def _alone(self, problem: str, *, kept: bool = True) -> CommandResult:
        """Return the result of a command that only this process has done."""
        view = self._session.view
        others = max(0, view.members - 1) if view else 0
        waiting, silent = (others, 0) if kept else (0, others)
        return CommandResult(applied=1, waiting=waiting, silent=silent, problem=problem)

    def _counted_here(self, result: CommandResult) -> CommandResult:
        """Count this process, if it has done what the hub does not count."""
        if self._session.holds(self._breaker.name):
            # What it has done since the hub was lost, the hub did not count.
            alone = bool(result.problem and not result.applied and result.waiting)
            return replace(result, applied=1, waiting=result.waiting - 1) if alone else result
        if self._session.looks_on:
            return replace(result, applied=1) if _is_nobodys(result) else result
        return replace(result, applied=result.applied + 1, without=max(0, result.without - 1))


def _is_nobodys(result: CommandResult) -> bool:
    """Return True if no process has called the breaker."""
    return not (result.applied or result.waiting or result.silent or result.refused)
