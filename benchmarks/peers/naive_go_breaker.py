"""go-breaker's way of deciding, as its README tells it, in Python and without a thought for speed.

A lock around everything, a ring of samples, the percentile by sorting them at every call's end,
the trend by a least-squares line through all of them. To compare with, not to use.
"""

import threading
import time
from dataclasses import dataclass, field
from statistics import fmean, linear_regression
from typing import Final

_RISE: Final = 0.5
"""How much of the mean the line must rise across the window."""


@dataclass
class NaiveGoBreaker:
    """Opens when the percentile of the latest latencies is above the threshold.

    Attributes:
        window: samples in the ring.
        threshold: milliseconds.
        percentile: of the samples, which must not exceed the threshold.
        wait: seconds until an open breaker resets itself.
        trend: open only while latency rises, or all of it is above the threshold (a plateau).
        minimum: samples that a trend needs.
        memory_threshold: percent of the limit.
        memory_used: percent of the limit; said from outside, which favours this breaker.
    """

    window: int = 64
    threshold: float = 1500
    percentile: float = 0.95
    wait: float = 10
    trend: bool = False
    minimum: int = 10
    memory_threshold: float = 80
    memory_used: float = 0
    samples: list[float] = field(default_factory=list)
    tripped: bool = False
    _next: int = 0
    _tripped_at: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def allow(self) -> bool:
        """Whether the call may go."""
        with self._lock:
            if self.memory_used >= self.memory_threshold:
                return False
            if self.tripped and time.monotonic() - self._tripped_at >= self.wait:
                self.tripped = False
                self.samples.clear()
                self._next = 0
            return not self.tripped

    def done(self, start: float, end: float) -> None:
        """Takes in a call; times in seconds."""
        with self._lock:
            self._add((end - start) * 1000)
            if self.too_slow() and (not self.trend or self.rising() or self.plateau()):
                self.tripped = True
                self._tripped_at = time.monotonic()

    def too_slow(self) -> bool:
        """Whether the percentile is above the threshold."""
        ordered = sorted(self.samples)
        last = len(ordered) - 1
        return ordered[min(int(len(ordered) * self.percentile), last)] > self.threshold

    def rising(self) -> bool:
        """Whether a least-squares line through the samples, oldest first, rises by half of them."""
        if len(self.samples) < self.minimum:
            return False
        ordered = self.samples[self._next :] + self.samples[: self._next]
        slope = linear_regression(range(len(ordered)), ordered).slope
        return slope * len(ordered) > _RISE * fmean(ordered)

    def plateau(self) -> bool:
        """Whether there are enough samples, all above the threshold."""
        return len(self.samples) >= self.minimum and min(self.samples) > self.threshold

    def _add(self, milliseconds: float) -> None:
        if len(self.samples) < self.window:
            self.samples.append(milliseconds)
        else:
            self.samples[self._next] = milliseconds
            self._next = (self._next + 1) % self.window
