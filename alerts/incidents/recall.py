"""What the calls of a breaker did in the last minutes, for those who tell of it."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

from breakerd.alerts.content.summary import Recall
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import BreakerError
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.logging import get_logger
from breakerd.breaker.record.reader import RecordReader
from breakerd.breaker.registry import Registry
from breakerd.breaker.storage.job import Job

_log = get_logger(__name__)

_PATIENCE: Final = 1.0
"""Seconds that the record is waited for: alerts are not to wait for a disk."""
_PAUSE: Final = 60.0
"""Seconds in which the record is not asked again after it has failed."""

FindRecord = Callable[[], RecordReader | None]
"""Returns the record of the host; None if none is kept."""


def own_history(registry: Registry) -> Recall:
    """Return what recalls the calls of this process alone."""

    def recall(breaker: str, start: float, end: float) -> Sequence[HistorySlot]:
        found = registry.find(breaker)
        return () if found is None else found.history(start, end)

    return recall


class HostRecall:
    """Recall of all processes of the host, by its record; of this process where it has none.

    The record has the calls of all processes, but not those of the last seconds: those of this
    process are added. It takes a second at most. Not thread-safe.

    Args:
        own: recalls the calls of this process.
        find_record: finds the record.
    """

    def __init__(self, own: Recall, find_record: FindRecord) -> None:
        self._own = own
        self._find_record = find_record
        self._job: Job[list[HistorySlot]] | None = None
        self._ask_from = float("-inf")

    def __call__(self, breaker: str, start: float, end: float) -> Sequence[HistorySlot]:
        """Return the slots between two times, in seconds since the epoch."""
        found = self._recorded(breaker, start, end)
        return completed(found, self._own, breaker, (start, end))

    def _recorded(self, breaker: str, start: float, end: float) -> list[HistorySlot]:
        now = CLOCK.monotonic()
        hangs = self._job is not None and not self._job.done.is_set()
        if hangs or now < self._ask_from:
            return []
        try:
            return self._read(breaker, start, end)
        except (BreakerError, TimeoutError, RuntimeError) as error:
            self._ask_from = now + _PAUSE
            _log.warning("record not read, calls of this process only", problem=str(error))
            return []

    def _read(self, breaker: str, start: float, end: float) -> list[HistorySlot]:
        """Return the slots of the record.

        Raises:
            BreakerError: it cannot be read.
            TimeoutError: it takes too long.
            RuntimeError: the system gives no thread.
        """
        record = self._find_record()
        if record is None:
            return []
        job = Job(lambda: record.slots(breaker, start, end))
        threading.Thread(target=job.execute, name="breakerd-recall", daemon=True).start()
        self._job = job
        if not job.done.wait(_PATIENCE):
            raise TimeoutError(f"the record does not answer within {_PATIENCE:g} s")
        return job.result()


def completed(
    recorded: Sequence[HistorySlot], own: Recall, breaker: str, span: tuple[float, float]
) -> list[HistorySlot]:
    """Return recorded slots, and those of this process that are newer than these.

    Args:
        recorded: slots of the record, oldest first.
        own: recalls the calls of this process.
        breaker: name of the breaker.
        span: beginning and end in seconds since the epoch.
    """
    start, end = span
    since = recorded[-1].end if recorded else start
    return [*recorded, *(each for each in own(breaker, since, end) if each.start >= since)]
