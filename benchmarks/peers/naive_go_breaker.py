"""A direct port of go-breaker's decisions, from its README, without optimisation.

One lock around everything, a ring of samples, the percentile by sorting them at the end of each
call, the trend by a least-squares line through all of them. For comparison only.
"""

import threading
import time
from dataclasses import dataclass, field
from statistics import fmean, linear_regression
from typing import Final

_RISE: Final = 0.5
"""Minimum rise of the line across the window, as a share of the mean."""


@dataclass
class NaiveGoBreaker:
    """Opens when a percentile of the latest latencies exceeds the threshold. Thread-safe.

    Attributes:
        window: maximum number of samples in the ring.
        threshold: milliseconds.
        percentile: share of the samples (0 to 1) that may not exceed the threshold.
        wait: seconds until an open breaker resets itself.
        trend: if True, open only while latency rises or all samples exceed the threshold (plateau).
        minimum: minimum number of samples for a trend.
        memory_threshold: percent of the limit.
        memory_used: percent of the limit; set from outside, which favours this breaker.
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
        """Return True if the call may proceed."""
        with self._lock:
            if self.memory_used >= self.memory_threshold:
                return False
            if self.tripped and time.monotonic() - self._tripped_at >= self.wait:
                self.tripped = False
                self.samples.clear()
                self._next = 0
            return not self.tripped

    def done(self, start: float, end: float) -> None:
        """Record a call; times in seconds."""
        with self._lock:
            self._add((end - start) * 1000)
            if self.too_slow() and (not self.trend or self.rising() or self.plateau()):
                self.tripped = True
                self._tripped_at = time.monotonic()

    def too_slow(self) -> bool:
        """Return True if the percentile exceeds the threshold."""
        ordered = sorted(self.samples)
        last = len(ordered) - 1
        return ordered[min(int(len(ordered) * self.percentile), last)] > self.threshold

    def rising(self) -> bool:
        """Return True if a line fitted to the samples in order rises by half of their mean."""
        if len(self.samples) < self.minimum:
            return False
        ordered = self.samples[self._next :] + self.samples[: self._next]
        slope = linear_regression(range(len(ordered)), ordered).slope
        return slope * len(ordered) > _RISE * fmean(ordered)

    def plateau(self) -> bool:
        """Return True if there are enough samples, all above the threshold."""
        return len(self.samples) >= self.minimum and min(self.samples) > self.threshold

    def _add(self, milliseconds: float) -> None:
        if len(self.samples) < self.window:
            self.samples.append(milliseconds)
        else:
            self.samples[self._next] = milliseconds
            self._next = (self._next + 1) % self.window
