"""Calls that stay in flight while others are answered: more and more of them, and many at a time.

Calls whose end nobody reports stay too, but are few of all; calls that are long by nature come in
waves. So a good share of the calls must stay in each of three spans that follow each other.
"""

from collections import deque
from typing import Final, NamedTuple

_SPANS: Final = 3
_SPAN: Final = 3
"""Thresholds of each span."""
_MIN_SHARE: Final = 0.2
"""Share of a span's calls that must stay, at least."""


class Sample(NamedTuple):
    """Counts at one moment; `seconds` is the time spent in all calls that have ended."""

    at: float
    admitted: int
    in_flight: int
    seconds: float


class CallsLeftBehind:
    """Counts such calls. Pure: times are passed in. Not thread-safe.

    Args:
        threshold: seconds after which a call in flight is slow.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._samples: deque[Sample] = deque()
        """One per threshold, of all spans."""

    def forget(self) -> None:
        """Forget all calls."""
        self._samples.clear()

    def take(self, sample: Sample) -> None:
        """Add the counts of now."""
        samples = self._samples
        if not samples or sample.at - samples[-1].at >= self._threshold:
            samples.append(sample)
            if len(samples) > _SPANS * (_SPAN + 1) + 1:
                samples.popleft()

    def count(self, now: Sample, before: Sample) -> int:
        """Return how many calls of the spans that end at `before` have stayed until `now`.

        A lower bound: as if all that were in flight at their beginning were so still, and none that
        began after `before` had ended. 0 unless they are many in each span.
        """
        end = before
        for _ in range(_SPANS):
            begin = self._at(end.at - _SPAN * self._threshold)
            if begin is None or not _many_stay(begin, end):
                return 0
            end = begin
        older = now.in_flight - (now.admitted - before.admitted)
        return max(0, older - end.in_flight)

    def _at(self, moment: float) -> Sample | None:
        return next((each for each in reversed(self._samples) if each.at <= moment), None)


def _many_stay(begin: Sample, end: Sample) -> bool:
    stay, admitted = end.in_flight - begin.in_flight, end.admitted - begin.admitted
    return stay > 0 and stay >= _MIN_SHARE * admitted
