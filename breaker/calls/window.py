"""Sliding window of the latest calls, with counts of the slow and the failed ones.

Counting the calls above the threshold makes the percentile test O(1): the k-th smallest of n
values, counted from 0, is above a threshold exactly when at least n - k of them are. Slow and
failed calls are remembered by sequence number, so that evicting a call does not scan the others.
"""

from collections import deque
from heapq import heapify, heappop, heappush
from itertools import chain, islice, takewhile
from math import inf


class SlidingWindow:
    """The last `size` calls that ended at most `max_age` seconds ago. Not thread-safe.

    Calls are ordered by their reports, and expire by their own end times. Calls reported together
    are stored as one list with one end time; such a batch expires as a whole.
    """

    __slots__ = (
        "_batches",
        "_count",
        "_ends",
        "_failure_markers",
        "_head_offset",
        "_late_reports",
        "_latest_end",
        "_max_age",
        "_percentile",
        "_size",
        "_slow_markers",
        "_threshold",
        "renumbered",
        "total",
    )

    def __init__(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Create an empty window; `threshold` and `max_age` in seconds, `percentile` 0 to 1."""
        self.total = 0
        """Number of calls ever added: the sequence number of the next one."""
        self.renumbered = 0
        """Number of times that the calls in the window got other sequence numbers."""
        self._batches: deque[list[float]] = deque()
        """Durations of calls that ended together, oldest batch first; no batch is empty."""
        self._ends: deque[float] = deque()
        """End time of each batch."""
        self._latest_end = -inf
        """Latest end time of any call in the window."""
        self._late_reports: list[tuple[float, int]] = []
        """Heap of (end, sequence number) of calls that ended before a call reported earlier."""
        self._head_offset = 0
        """Calls of the oldest batch that were already evicted."""
        self._count = 0
        self._size = size
        self._max_age = max_age
        self._percentile = percentile
        self._threshold = threshold
        self._slow_markers: deque[int] = deque()
        self._failure_markers: deque[int] = deque()

    def add(self, end: float, seconds: float, *, error: bool) -> None:
        """Add one call. O(1)."""
        if seconds > self._threshold:
            self._slow_markers.append(self.total)
        if error:
            self._failure_markers.append(self.total)
        if self._ends and self._ends[-1] == end:
            self._batches[-1].append(seconds)
        else:
            self._batches.append([seconds])
            self._ends.append(end)
        self._append(end, 1)

    def extend(self, end: float, durations: list[float]) -> None:
        """Add one or more successful calls, none of them slow, with a common end time.

        `durations` must not be empty.
        """
        # Always a copy: under a profiler, another thread may still append to the given list.
        kept = durations[-self._size :]
        self._batches.append(kept)
        self._ends.append(end)
        self.total += len(durations) - len(kept)
        self._append(end, len(kept))

    def expire(self, now: float) -> None:
        """Drop calls older than `max_age`; the verdicts need it after each `add`.

        Amortised O(1) per call; O(n) if a call expires before one that was reported earlier.
        """
        oldest = now - self._max_age
        while self._ends and self._ends[0] < oldest:
            self._drop_oldest()
        self._expire_markers()
        if self._late_report_expired(oldest):
            self._replace([call for call in self.dump() if call[0] >= oldest])

    def _append(self, end: float, calls: int) -> None:
        """Count calls that were just stored, and make room for them."""
        self._count += calls
        self.total += calls
        if end < self._latest_end:
            heappush(self._late_reports, (end, self.total - 1))
        else:
            self._latest_end = end
        if self._count > self._size:
            self._evict(self._count - self._size)
            self._expire_markers()

    def _evict(self, excess: int) -> None:
        """Drop the `excess` oldest calls."""
        while excess > 0:
            left = len(self._batches[0]) - self._head_offset
            if left > excess:
                self._count -= excess
                self._drop_from_head(excess)
                return
            self._drop_oldest()
            excess -= left

    def _late_report_expired(self, oldest: float) -> bool:
        """True if a call behind a younger one in the queue ended before `oldest`."""
        late, first, found = self._late_reports, self.oldest, False
        while late and late[0][0] < oldest:
            found = heappop(late)[1] >= first or found
        if len(late) > 2 * self._size:
            # Those of evicted calls, which are found only once they are old.
            self._late_reports = [each for each in late if each[1] >= first]
            heapify(self._late_reports)
        return found

    def _replace(self, calls: list[tuple[float, float, bool]]) -> None:
        """Store `calls`, (end, duration, failed), in place of all; the total is unchanged."""
        self.clear()
        self.renumbered += 1
        self.total -= len(calls)
        for end, seconds, failed in calls:
            self.add(end, seconds, error=failed)

    def _drop_from_head(self, calls: int) -> None:
        """Drop `calls` calls of the oldest batch."""
        self._head_offset += calls
        if self._head_offset > self._size:
            # With a clock that stands still, this batch would never be dropped.
            del self._batches[0][: self._head_offset]
            self._head_offset = 0

    def _drop_oldest(self) -> None:
        """Drop the oldest batch."""
        self._ends.popleft()
        self._count -= len(self._batches.popleft()) - self._head_offset
        self._head_offset = 0

    def _drop_all(self) -> None:
        self._batches.clear()
        self._ends.clear()
        self._late_reports.clear()
        self._latest_end = -inf
        self._count = self._head_offset = 0

    def _expire_markers(self) -> None:
        """Drop the markers of evicted calls."""
        first = self.oldest
        for marks in (self._slow_markers, self._failure_markers):
            while marks and marks[0] < first:
                marks.popleft()

    @property
    def oldest(self) -> int:
        """Return the sequence number of the oldest call."""
        return self.total - self._count

    def clear(self) -> None:
        """Drop all calls; sequence numbers continue."""
        self._drop_all()
        self._expire_markers()

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Return the maximum number of calls in the window."""
        return self._size

    @property
    def slow_count(self) -> int:
        """Return the number of calls that took longer than the threshold."""
        return len(self._slow_markers)

    @property
    def failure_count(self) -> int:
        """Return the number of failed calls."""
        return len(self._failure_markers)

    @property
    def percentile_exceeded(self) -> bool:
        """True if the percentile is above the threshold, by go-breaker's test.

        Equivalent to `sorted(latencies)[min(int(n * p), n - 1)] > threshold`.
        """
        return self.exceeds_with(0)

    def exceeds_with(self, slow: int) -> bool:
        """Return whether it would be with so many more slow calls, which have not ended yet."""
        n = self._count + slow
        return n > 0 and len(self._slow_markers) + slow >= n - min(int(n * self._percentile), n - 1)

    def percentile(self) -> float:
        """Return the watched percentile in seconds; 0 while the window is empty. O(n log n)."""
        seconds = sorted(self.durations())
        return (
            seconds[min(int(len(seconds) * self._percentile), len(seconds) - 1)] if seconds else 0.0
        )

    def durations(self, newest: int | None = None) -> list[float]:
        """Return durations in seconds, oldest first; only the `newest` ones if given. O(newest)."""
        wanted = self._count if newest is None else min(newest, self._count)
        parts: list[list[float]] = []
        for batch in reversed(self._batches):
            if wanted <= 0:
                break
            parts.append(batch[-wanted:])
            wanted -= len(batch)
        found = list(chain.from_iterable(reversed(parts)))
        # A call that ended before it started counts as 0; add() does not check, to save time.
        return [max(0.0, seconds) for seconds in found] if min(found, default=0.0) < 0 else found

    def newest(self, count: int) -> list[tuple[float, float, bool]]:
        """Return (end, duration, failed) of the newest calls, newest first. O(count)."""
        failed = set(takewhile(lambda n: n >= self.total - count, reversed(self._failure_markers)))
        found: list[tuple[float, float, bool]] = []
        number = self.total
        for end, batch in zip(reversed(self._ends), reversed(self._batches), strict=True):
            for seconds in reversed(batch):
                if len(found) == min(count, self._count):
                    return found
                number -= 1
                found.append((end, max(0.0, seconds), number in failed))
        return found

    def configure(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Apply new settings, keeping the newest calls that fit."""
        kept = self.dump()[-size:]
        self._size, self._max_age = size, max_age
        self._percentile, self._threshold = percentile, threshold
        self._replace(kept)

    def dump(self) -> list[tuple[float, float, bool]]:
        """Return (end, duration, failed) of each call, oldest first."""
        failed = set(self._failure_markers)
        ends = chain.from_iterable(
            [end] * len(batch) for end, batch in zip(self._ends, self._batches, strict=True)
        )
        calls = zip(islice(ends, self._head_offset, None), self.durations(), strict=True)
        return [(end, seconds, n in failed) for n, (end, seconds) in enumerate(calls, self.oldest)]
