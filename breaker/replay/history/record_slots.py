"""Slots of a record on disk, as fine as it has them."""

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.record.reader import RecordReader

_FINE = 10.0
_COARSE = 60.0


def finest_slots(reader: RecordReader, breaker: str, start: float, end: float) -> list[HistorySlot]:
    """Return the slots of a breaker in [start, end), of 10 s where they are kept, else of 60 s.

    Raises:
        RecordError: the record cannot be read.
    """
    fine = reader.slots(breaker, start, end, step=_FINE)
    begin = fine[0].start if fine else end
    coarse = reader.slots(breaker, start, begin, step=_COARSE)
    # A minute of which the record has both is taken as coarse, so that no call counts twice.
    until = coarse[-1].end if coarse else start
    return coarse + [slot for slot in fine if slot.start >= until]
