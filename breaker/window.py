"""The latest calls: how many, how many were slow, how many failed.

Counting what exceeds the threshold makes the percentile test O(1): the k-th largest of n values is
above a threshold exactly when at least n - k of them are. Slow and failed calls are remembered by
their sequence number, so what leaves the window is found without looking at the calls that stay.
"""

from collections import deque
from itertools import chain, islice, pairwise, repeat


class CallWindow:
    """The last `size` calls that ended at most `max_age` seconds ago. Not thread-safe.

    Durations lie in one queue, in memory of 32 bytes a call; when they ended is kept once for a
    run of calls that ended together.
    """

    __slots__ = (
        "_durations",
        "_failed",
        "_max_age",
        "_percentile",
        "_runs",
        "_slow",
        "_threshold",
        "ended",
    )

    def __init__(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Makes an empty window; `threshold` and `max_age` are in seconds."""
        self.ended = 0
        """Calls ever seen: the sequence number of the next one."""
        self._durations: deque[float] = deque(maxlen=size)
        self._runs: deque[tuple[int, float]] = deque()
        """(sequence number of the first call, when all of the run ended), oldest first."""
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
        self._begin_run(end)
        self._durations.append(seconds)
        self.ended += 1

    def extend(self, end: float, durations: list[float]) -> None:
        """Takes in calls that went well, none of them slow, as if they had ended together."""
        self._begin_run(end)
        kept = self._durations
        many = len(durations) > self.size
        kept.extend(durations[-self.size :] if many else durations)
        self.ended += len(durations)

    def expire(self, now: float) -> None:
        """Drops what is too old; O(1) a call, amortised."""
        runs, durations, oldest = self._runs, self._durations, now - self._max_age
        if runs and runs[-1][1] < oldest:
            durations.clear()
            runs.clear()
        elif runs and runs[0][1] < oldest:
            while runs[0][1] < oldest:
                runs.popleft()
            for _ in range(runs[0][0] - self._first):
                durations.popleft()
        first = self._first
        self._drop_runs(first)
        for marks in (self._slow, self._failed):
            while marks and marks[0] < first:
                marks.popleft()

    def _begin_run(self, end: float) -> None:
        runs = self._runs
        if not runs or runs[-1][1] != end:
            runs.append((self.ended, end))
            self._drop_runs(self._first)

    def _drop_runs(self, first: int) -> None:
        """Drops the runs of which no call is left."""
        runs = self._runs
        while len(runs) > 1 and runs[1][0] <= first:
            runs.popleft()

    @property
    def _first(self) -> int:
        """The sequence number of the oldest call."""
        return self.ended - len(self._durations)

    def clear(self) -> None:
        """Forgets all calls; their sequence goes on."""
        self._durations.clear()
        self._runs.clear()
        self._slow.clear()
        self._failed.clear()

    def __len__(self) -> int:
        return len(self._durations)

    @property
    def size(self) -> int:
        """How many calls the window can hold."""
        return self._durations.maxlen or 0

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
        n = len(self._durations)
        return n > 0 and len(self._slow) >= n - min(int(n * self._percentile), n - 1)

    def percentile(self) -> float:
        """The watched percentile in seconds; 0 while the window is empty. O(n log n)."""
        seconds = sorted(self.durations())
        return (
            seconds[min(int(len(seconds) * self._percentile), len(seconds) - 1)] if seconds else 0.0
        )

    def durations(self, newest: int | None = None) -> list[float]:
        """Seconds that the calls took, oldest first; only the `newest` ones if given."""
        skip = 0 if newest is None else max(0, len(self._durations) - newest)
        found = list(islice(self._durations, skip, None))
        # A call that ended before it started took no time. That is not asked when it comes in.
        return [max(0.0, seconds) for seconds in found] if min(found, default=0.0) < 0 else found

    def configure(self, size: int, max_age: float, percentile: float, threshold: float) -> None:
        """Takes new settings in place; of the calls, the newest that fit are kept."""
        kept = self.dump()[-size:]
        self._durations = deque(maxlen=size)
        self._runs.clear()
        self._max_age, self._percentile, self._threshold = max_age, percentile, threshold
        self._slow.clear()
        self._failed.clear()
        self.ended -= len(kept)
        for end, seconds, failed in kept:
            self.add(end, seconds, error=failed)

    def dump(self) -> list[tuple[float, float, bool]]:
        """(end, duration, failed) of each call, oldest first."""
        first, failed = self._first, set(self._failed)
        bounds = [max(begin, first) for begin, _ in self._runs] + [self.ended]
        lengths = (later - earlier for earlier, later in pairwise(bounds))
        ends = chain.from_iterable(
            repeat(end, n) for (_, end), n in zip(self._runs, lengths, strict=True)
        )
        calls = zip(ends, self.durations(), strict=True)
        return [(end, seconds, n in failed) for n, (end, seconds) in enumerate(calls, first)]
