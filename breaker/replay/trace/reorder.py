"""Sort calls by their start, whatever the order in which they were recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from breakerd.breaker.replay.trace.record import CallRecord

MAX_HELD_CALLS: Final = 100_000
"""Maximum number of calls that wait for earlier ones."""
MAX_HELD_SECONDS: Final = 60.0
"""Seconds of trace time that a call waits for earlier ones."""


@dataclass(slots=True)
class ReorderBuffer:
    """Sort a stream of calls by their start, in bounded memory.

    Logs are written when calls end, so a call of 10 s stands behind those that began 9 s later.
    """

    late: int = 0
    """Number of calls that came too late to be sorted; they are yielded where they stand."""

    def sort(self, calls: Iterable[CallRecord]) -> Iterator[CallRecord]:
        """Yield the calls, earliest start first; calls with equal starts keep their order."""
        heap: list[tuple[float, int, CallRecord]] = []
        newest = last = float("-inf")
        for number, call in enumerate(calls):
            start = call.start
            heappush(heap, (start, number, call))
            newest = max(newest, start)
            while heap[0][0] <= newest - MAX_HELD_SECONDS or len(heap) > MAX_HELD_CALLS:
                start, _, earliest = heappop(heap)
                self.late += start < last
                last = max(last, start)
                yield earliest
        self.late += sum(start < last for start, _, _ in heap)
        yield from (call for _, _, call in sorted(heap))


def spread_evenly(calls: Iterable[CallRecord], *, by_start: bool = False) -> Iterator[CallRecord]:
    """Yield calls whose ends are known only to the second, spread evenly over that second.

    Otherwise all calls of a second would end at once, and concurrency would appear much higher
    than it was.

    Args:
        calls: calls in the order of the log.
        by_start: True if their starts are known only to the second.
    """
    same: list[CallRecord] = []
    second = 0.0
    for call in calls:
        known = call.start if by_start else round(call.start + call.duration, 6)
        if same and (known != second or len(same) >= MAX_HELD_CALLS):
            yield from _spread_second(same)
            same = []
        second = known
        same.append(call)
    yield from _spread_second(same)


def _spread_second(same: list[CallRecord]) -> Iterator[CallRecord]:
    for place, call in enumerate(same):
        yield call._replace(start=call.start + (place + 0.5) / len(same))
