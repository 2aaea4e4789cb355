"""What the calls of a breaker did in the last minutes, for those who tell of it."""

from collections.abc import Sequence
from typing import Protocol

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.registry import Registry


class Recall(Protocol):
    """Function that returns the slots of a breaker, oldest first; none where nothing is known.

    It is called on the thread of alerting, and takes a second at most.
    """

    def __call__(self, breaker: str, start: float, end: float, /) -> Sequence[HistorySlot]:
        """Return the slots between two times, in seconds since the epoch."""
        ...


def own_history(registry: Registry) -> Recall:
    """Return what recalls the calls of this process alone."""

    def recall(breaker: str, start: float, end: float, /) -> Sequence[HistorySlot]:
        found = registry.find(breaker)
        return () if found is None else found.history(start, end)

    return recall
