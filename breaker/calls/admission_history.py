"""How many calls had been let in by when: tells how old the calls under way are, in O(1) memory.

Of the calls under way, at least `in_flight - (admitted now - admitted by then)` were let in before
`then`; when nothing ends, that is exactly all of them. So a hang is seen before a single call
ends, without a record of each call.
"""

from collections import deque
from itertools import pairwise


class AdmissionHistory:
    """The count of admissions, as it was at each of the last samples.

    Args:
        span: how many seconds are remembered.
    """

    def __init__(self, span: float) -> None:
        self._span = span
        self._counts: deque[tuple[float, int]] = deque()

    def add(self, now: float, admitted: int) -> None:
        """Notes how many calls had been let in by `now`."""
        self._counts.append((now, admitted))
        while len(self._counts) > 1 and self._counts[1][0] <= now - self._span:
            self._counts.popleft()

    @property
    def last_sampled_at(self) -> float:
        """When the last count was noted."""
        return self._counts[-1][0] if self._counts else float("-inf")

    def count_at(self, moment: float) -> float | None:
        """How many had been let in by then, in between linearly; None if it is out of memory.

        After the last sample it is the last count.
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
        """At least so many of the calls under way were let in before `moment`; 0 if unknown."""
        before = self.count_at(moment)
        return 0.0 if before is None else max(0.0, in_flight - (admitted - before))
