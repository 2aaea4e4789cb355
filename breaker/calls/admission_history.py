"""Derive the age of in-flight calls from the history of admission counts, in bounded memory.

Of the calls in flight, at least `in_flight - (admitted now - admitted by then)` were admitted
before `then`; if no call ends, exactly so many. A hang is therefore detected before any call ends,
without a record of each call.
"""

from collections import deque
from itertools import pairwise


class AdmissionHistory:
    """Count of admissions at each of the last samples. Not thread-safe.

    Args:
        span: Seconds that the history covers.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._counts: deque[tuple[float, int]] = deque()

    def add(self, now: float, admitted: int) -> None:
        """Record how many calls had been admitted by `now`."""
        self._counts.append((now, admitted))
        while len(self._counts) > 1 and self._counts[1][0] <= now - self._span:
            self._counts.popleft()

    @property
    def last_sampled_at(self) -> float:
        """Return the time of the last sample; negative infinity before the first."""
        return self._counts[-1][0] if self._counts else float("-inf")

    def count_at(self, moment: float) -> float | None:
        """Return the calls admitted by `moment`; None if the history does not reach it.

        Counts between two samples are interpolated linearly; after the last sample, its count
        holds.
        """
        counts = self._counts
        if not counts or moment < counts[0][0]:
            return None
        if moment >= counts[-1][0]:
            return counts[-1][1]
        for (later, most), (earlier, least) in pairwise(reversed(counts)):
            if earlier <= moment:
                return least + (most - least) * (moment - earlier) / (later - earlier)
        return None

    def older_than(self, moment: float, in_flight: int, admitted: int) -> float:
        """Return a lower bound of the in-flight calls admitted before `moment`; 0 if unknown."""
        before = self.count_at(moment)
        return 0.0 if before is None else max(0.0, in_flight - (admitted - before))
