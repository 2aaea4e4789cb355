"""Record simulated days by a real breaker with a driven clock, as a service would."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.studies.simulated_days import Day, by_end
from breakerd import Breaker, Settings
from breakerd.breaker.history.slot import HistorySlot, merge_slots
from breakerd.breaker.replay import CallRecord

_STEP: Final = 0.5
"""Seconds between two ticks."""
_READ_EVERY: Final = 600.0
"""Seconds after which the slots in memory are read, which last for 900."""


@dataclass(frozen=True)
class Recorded:
    """A day: the calls that were made, and what the breaker recorded of them by width of slots."""

    calls: list[CallRecord]
    slots: dict[int, list[HistorySlot]]


def record(day: Day, settings: Settings, *, rejecting: bool = False) -> Recorded:
    """Return what a breaker has recorded of a day.

    Args:
        day: the day.
        settings: settings of the breaker.
        rejecting: True if it rejects calls; these are left out of the calls that were made.
    """
    return _Recording(day, settings, rejecting=rejecting).run()


class _Recording:
    def __init__(self, day: Day, settings: Settings, *, rejecting: bool) -> None:
        self._day = day
        self._now = day.begin
        self._offset = time.time() - day.begin
        self._breaker = Breaker(
            settings,
            name="recorded",
            clock=lambda: self._now,
            memory=lambda: None,
            externally_ticked=True,
        )
        if not rejecting:
            self._breaker.observe()
        self._ticked = self._read = day.begin
        self._seconds: dict[float, HistorySlot] = {}
        self._tens: list[HistorySlot] = []
        self._mark = 0

    def run(self) -> Recorded:
        calls: list[CallRecord] = []
        admitted: set[float] = set()
        for moment, begins, call in by_end(self._day.calls()):
            self._pass_time(moment)
            if begins:
                if self._breaker.allow():
                    admitted.add(call.start)
                    calls.append(call)
            elif call.start in admitted:
                admitted.discard(call.start)
                self._breaker.done(call.start, moment, error=call.error)
        self._pass_time(self._now + 20.0)
        self._take_slots()
        self._breaker.close()
        seconds = [self._seconds[at] for at in sorted(self._seconds)]
        minutes = merge_slots(self._tens, width=60)
        slots = {1: seconds, 10: self._tens, 60: minutes}
        return Recorded(calls, {width: self._shifted(each) for width, each in slots.items()})

    def _pass_time(self, until: float) -> None:
        while self._ticked + _STEP <= until:
            self._ticked += _STEP
            self._now = self._ticked
            self._breaker.tick()
        self._now = until
        if until - self._read >= _READ_EVERY:
            self._take_slots()

    def _take_slots(self) -> None:
        self._read = self._now
        fresh, self._mark = self._breaker.slots_since(self._mark)
        self._tens += fresh
        self._seconds |= {slot.start: slot for slot in self._breaker.history() if slot.width == 1}

    def _shifted(self, slots: Iterable[HistorySlot]) -> list[HistorySlot]:
        """Return slots in the time of the day; the history goes on from the present time."""
        return [replace(slot, start=slot.start - self._offset) for slot in slots]
