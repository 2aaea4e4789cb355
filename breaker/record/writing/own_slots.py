"""What this process has not written of its breakers' history. Not thread-safe."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.record.schema import FINE

_RECENT: Final = 30.0
"""Seconds before now in which the slot that is not over has begun, whatever the clocks differ."""


class OwnSlot(NamedTuple):
    """One slot of a breaker in this process.

    Attributes:
        breaker: name of the breaker.
        number: number of the slot in the history of the breaker. Where the clock was set back,
            several have the same time, and are added.
        slot: the slot.
    """

    breaker: str
    number: int
    slot: HistorySlot


@dataclass(frozen=True, slots=True)
class Collection:
    """Slots to write, and what to remember once they are written.

    Attributes:
        slots: the slots.
        marks: number of the first slot that is not among them, by breaker.
    """

    slots: list[OwnSlot] = field(default_factory=list)
    marks: Mapping[str, int] = field(default_factory=dict)


class OwnSlots:
    """Slots of ten seconds of this process that are not written yet.

    Args:
        breakers: breakers of this process.
    """

    def __init__(self, breakers: Iterable[Breaker]) -> None:
        self._breakers = breakers
        self._marks: dict[str, int] = {}
        """Number of the first slot that is not written, by breaker."""
        self._begun: dict[str, int] = {}
        """Number of the last slot that was written unfinished, by breaker."""
        self._ended: dict[str, float] = {}
        """Begin of the last finished slot, by breaker."""

    def collect(
        self, now: float, *, unfinished: bool = False, only: str | None = None
    ) -> Collection:
        """Return the slots that are not written, but those without calls.

        Args:
            now: seconds since the epoch.
            unfinished: True to add those that are not over, as they are now. They are returned
                again when they are over, and replace what was written.
            only: name of the breaker; None: all.
        """
        slots, marks = [], {}
        for breaker in self._breakers:
            if only not in {None, breaker.name}:
                continue
            found, mark = breaker.slots_since(self._marks.get(breaker.name, 0))
            numbered = list(enumerate(found, mark - len(found)))
            if found:
                self._ended[breaker.name] = found[-1].start
            if unfinished:
                numbered += [(mark, slot) for slot in self._unfinished(breaker, now)]
            marks[breaker.name] = mark
            slots += [OwnSlot(breaker.name, *each) for each in numbered if _tells(each[1])]
        return Collection(slots, marks)

    def wrote(self, collection: Collection) -> None:
        """Remember that these were written."""
        self._marks.update(collection.marks)
        for breaker, number, _ in collection.slots:
            if number >= collection.marks[breaker]:
                self._begun[breaker] = number

    def unwritten(self, breaker: str, now: float) -> list[HistorySlot]:
        """Return the slots of a breaker of which nothing is written.

        Args:
            breaker: its name.
            now: seconds since the epoch.
        """
        begun = self._begun.get(breaker, -1)
        found = self.collect(now, unfinished=True, only=breaker).slots
        return [slot for _, number, slot in found if number != begun]

    def forget(self) -> None:
        """Forget what was written: it is in a file that is gone."""
        self._marks.clear()
        self._begun.clear()

    def _unfinished(self, breaker: Breaker, now: float) -> list[HistorySlot]:
        """Return the slot that is not over, if there is one."""
        last = merge_slots(breaker.history(now - _RECENT), width=FINE)[-1:]
        return [slot for slot in last if slot.start != self._ended.get(breaker.name)]


def _tells(slot: HistorySlot) -> bool:
    """Return True for a slot that says more than that nobody called."""
    return bool(slot.calls or slot.rejected or slot.in_flight)
