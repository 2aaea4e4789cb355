"""The latest calls: how many, how many were slow, how many failed.

Counting what exceeds the threshold makes the percentile test O(1): the k-th largest of n values is
above a threshold exactly when at least n - k of them are. Slow and failed calls are remembered by
their sequence number, so what leaves the window is found without looking at the calls that stay.
"""

from collections import deque
from itertools import islice


class CallWindow:
    """The last `size` calls that ended at most `max_age` seconds ago.

    `add` is for whoever holds the breaker's lock. The breaker's hot path, which holds none,
    appends to `calls` and then raises `ended` by itself: in that order, so that a reader in
    between sees one call too many in the window and never drops a slow one too early.
    """

    __slots__ = ("_failed", "_max_age", "_percentile", "_slow", "_threshold", "calls", "ended")

    def __init__(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Makes an empty window; `threshold` and `max_age` are in seconds."""
        self.calls: deque[tuple[float, float]] = deque(maxlen=size)
        """(end, duration) in seconds, oldest first."""
        self.ended = 0
        """Calls ever seen: the sequence number of the next one."""
        self._max_age = max_age
        self._percentile = percentile
        self._threshold = threshold
        self._slow: deque[int] = deque()
        self._failed: deque[int] = deque()

    def add(self, end: float, seconds: float, *, error: bool) -> None:
        """Takes in one call, in O(1)."""
        if seconds > self._threshold:
            self._slow.append(self.ended)
        if error:
            self._failed.append(self.ended)
        self.calls.append((end, seconds))
        self.ended += 1

    def expire(self, now: float) -> None:
        """Drops what is too old; O(1) a call, amortised."""
        calls, oldest = self.calls, now - self._max_age
        if calls and calls[-1][0] < oldest:
            calls.clear()
        while calls and calls[0][0] < oldest:
            calls.popleft()
        first = self.ended - len(calls)
        for marks in (self._slow, self._failed):
            while marks and marks[0] < first:
                marks.popleft()

    def clear(self) -> None:
        """Forgets all calls; their sequence goes on."""
        self.calls.clear()
        self._slow.clear()
        self._failed.clear()

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def size(self) -> int:
        """How many calls the window can hold."""
        return self.calls.maxlen or 0

    @property
    def slow(self) -> int:
        """Calls in the window that took longer than the threshold."""
        return len(self._slow)

    @property
    def failed(self) -> int:
        """Calls in the window that failed."""
        return len(self._failed)

    @property
    def too_slow(self) -> bool:
        """Whether the percentile is above the threshold, by go-breaker's test.

        The same as `sorted(latencies)[min(int(n * p), n - 1)] > threshold`.
        """
        n = len(self.calls)
        return n > 0 and len(self._slow) >= n - min(int(n * self._percentile), n - 1)

    def percentile(self) -> float:
        """The watched percentile in seconds; 0 while the window is empty. O(n log n)."""
        seconds = sorted(self.durations())
        return (
            seconds[min(int(len(seconds) * self._percentile), len(seconds) - 1)] if seconds else 0.0
        )

    def durations(self, newest: int | None = None) -> list[float]:
        """Seconds that the calls took, oldest first; only the `newest` ones if given."""
        calls = self.calls.copy()
        skip = 0 if newest is None else max(0, len(calls) - newest)
        return [seconds for _, seconds in islice(calls, skip, None)]

    def configure(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Takes new settings in place; of the calls, the newest that fit are kept."""
        kept = self.dump()[-size:]
        self.calls = deque(((end, seconds) for end, seconds, _ in kept), maxlen=size)
        self._max_age, self._percentile, self._threshold = max_age, percentile, threshold
        first = self.ended - len(kept)
        self._slow = deque(n for n, call in enumerate(kept, first) if call[1] > threshold)
        self._failed = deque(n for n, call in enumerate(kept, first) if call[2])

    def dump(self) -> list[tuple[float, float, bool]]:
        """(end, duration, failed) of each call, oldest first."""
        calls = self.calls.copy()
        first, failed = self.ended - len(calls), set(self._failed)
        return [(end, seconds, n in failed) for n, (end, seconds) in enumerate(calls, first)]
