"""Record of a breaker's calls in slots of time: in memory here, on disk in `breaker.record`.

`slot` has what a slot tells, and adds slots up; `sketch` holds the durations in it.
"""

from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot, merge_slots

__all__ = ["DurationSketch", "HistorySlot", "merge_slots"]
