"""Commands at one member: modes that it takes up, and acts that it does once.

Pure: the time is passed in. `FleetMember` carries them to the breakers.
"""

from collections.abc import Iterable
from threading import Lock
from typing import Final

from breakerd.breaker.fleet.messages import Act, Register, View

_REMEMBERED: Final = 600.0
"""Seconds for which an act's id is remembered: far longer than a hub hands it out."""


class CommandLog:
    """Modes and acts that one member knows. Thread-safe: commands are given on other threads.

    Args:
        registers: modes that the host's disk remembers.
    """

    def __init__(self, registers: Iterable[Register] = ()) -> None:
        self._registers = {each.breaker: each for each in registers}
        self._version = 0
        self._epoch = ""
        self._done: dict[str, float] = {}
        self._outcomes: list[tuple[str, str]] = []
        self._missing: tuple[Register, ...] = ()
        self._lock = Lock()

    @property
    def registers(self) -> tuple[Register, ...]:
        """Return the modes that are known, ended ones among them."""
        with self._lock:
            return tuple(self._registers.values())

    @property
    def version(self) -> int:
        """Return the version of the hub's registers that this member has."""
        return self._version

    @property
    def outcomes(self) -> tuple[tuple[str, str], ...]:
        """Return (act, outcome) of what the hub was not told yet."""
        with self._lock:
            return tuple(self._outcomes)

    @property
    def missing(self) -> tuple[Register, ...]:
        """Return the modes that the hub lacks."""
        return self._missing

    @property
    def has_news(self) -> bool:
        """True if there is something that the hub is to know at once."""
        return bool(self._outcomes or self._missing)

    def bring(self, register: Register) -> None:
        """Take a mode that the hub lacks, unless a later one is known."""
        with self._lock:
            known = self._registers.get(register.breaker)
            if known is None or register.order > known.order:
                self._registers[register.breaker] = register
                self._missing = (*self._missing, register)

    def told(self, outcomes: tuple[tuple[str, str], ...]) -> None:
        """Forget outcomes that have arrived at the hub."""
        with self._lock:
            self._outcomes = [each for each in self._outcomes if each not in outcomes]

    def take_modes(self, view: View, brought: tuple[Register, ...] = ()) -> list[Register]:
        """Take the modes of a view; return those new here, and find those that the hub lacks.

        Args:
            view: the view.
            brought: modes that the report had which it answers.
        """
        with self._lock:
            forgotten = view.epoch != self._epoch or view.register_version < self._version
            news = []
            for told in view.registers:
                known = self._registers.get(told.breaker)
                if known is None or told.order > known.order:
                    self._registers[told.breaker] = told
                    news.append(told)
            self._missing = (
                self._not_in(view)
                if forgotten
                else tuple(each for each in self._missing if each not in brought)
            )
            self._epoch, self._version = view.epoch, view.register_version
            return news

    def take_acts(self, view: View) -> list[Act]:
        """Return the acts of a view that are to be done now; they count as done from here on."""
        with self._lock:
            for act in [id_ for id_, at in self._done.items() if view.now - at > _REMEMBERED]:
                del self._done[act]
            acts = [act for act in view.acts if act.id not in self._done]
            self._done.update({act.id: view.now for act in acts})
        return acts

    def claim(self, act: str, now: float) -> bool:
        """Count an act as done, and return True; False if it was done already.

        For an act that is done without a view, since its giver has no answer from the hub.
        """
        with self._lock:
            known = act in self._done
            self._done.setdefault(act, now)
        return not known

    def note(self, act: str, outcome: str) -> None:
        """Note what became of an act: `done`, or why it could not be done."""
        with self._lock:
            self._outcomes.append((act, outcome))

    def _not_in(self, view: View) -> tuple[Register, ...]:
        told = {each.breaker: each.order for each in view.registers}
        return tuple(
            each
            for each in self._registers.values()
            if each.breaker not in told or told[each.breaker] < each.order
        )
