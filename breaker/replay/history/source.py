"""Calls of a history, as a trace to be replayed."""

from collections.abc import Iterator, Sequence

from breakerd.breaker.errors import TraceError
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.history.certainty import Certainty
from breakerd.breaker.replay.history.reconstruction import reconstruct
from breakerd.breaker.replay.report import Report
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.replay.trace.trace import BrokenLine

_APPROXIMATION = (
    "approximation: the calls are made from slots, with the numbers, failures and durations of "
    "each; when in a slot they ended is taken from the slots around it"
)


class HistorySource:
    """Iterate over calls that are made from slots, ordered by start. Not thread-safe.

    Args:
        name: where the slots come from, for people.
        slots: slots of one breaker in the order of time.

    Raises:
        TraceError: there are no slots.
    """

    form = "history"
    broken: Sequence[BrokenLine] = ()

    def __init__(self, name: str, slots: Sequence[HistorySlot]) -> None:
        if not slots:
            raise TraceError(f"{name}: no calls are recorded in that time")
        self.name = name
        self.certainty = Certainty()
        self.began, self.ended = slots[0].start, slots[-1].end
        self._slots = slots
        self._reports: list[Report] = []
        for _ in self.certainty.watch(slots):
            pass

    @property
    def notes(self) -> list[str]:
        """Return what is not certain, as sentences."""
        return [_APPROXIMATION, *self.certainty.notes(self._reports)]

    def judge(self, report: Report) -> None:
        """Let `notes` and `data` say which trips of a report are uncertain."""
        self._reports = [report]

    def data(self) -> dict[str, object]:
        """Return what is not certain, as JSON data."""
        return self.certainty.as_data(self._reports)

    def __iter__(self) -> Iterator[CallRecord]:
        empty = True
        for call in reconstruct(self._slots):
            empty = False
            yield call
        if empty:
            raise TraceError(f"{self.name}: no call ended in that time")
