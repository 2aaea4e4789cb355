"""Measure how many calls succeed per second, and for how long none has ended.

A dependency that collects garbage or fails over answers nothing for a while, and then everything in
time. A pause tells nothing about how many calls can be served, and one that is no longer than those
that ended well is no overload: in an overload some calls still end.
"""

from math import exp, inf
from typing import Final

from breakerd.breaker.limiter.ewma import Ewma
from breakerd.breaker.limiter.sample import Sample

_MIN_PAUSE: Final = 0.25
"""Minimum length of a pause, as a share of the timeout."""
_MIN_GAPS: Final = 3.0
"""Mean times between two successes above which no end is not chance."""
_TOLERANCE: Final = 1.2
"""Length of a pause that is tolerated, as a multiple of the longest one that ended well."""
_MAX_TOLERATED: Final = 0.9
"""The same at most, as a share of the timeout."""
_MEMORY: Final = 3600.0
"""Seconds after which the longest pause has decayed to 1/e."""


class Completions:
    """Throughput in successes per second, and pauses. Not thread-safe.

    Args:
        timeout: Seconds after which a response is useless.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._recent = Ewma(max(0.5, timeout / 2))
        self._steady = Ewma(max(1.5, 1.5 * timeout))
        self._usual = Ewma(max(15.0, 15 * timeout))
        self._still = 0.0
        """Seconds since a call last ended, while some are in flight."""
        self._longest = 0.0
        """Length of the longest pause that ended well, with decay."""
        self._draining = 0.0
        """Seconds left in which calls that waited through a usual pause may still be answered."""

    @property
    def recent(self) -> float:
        """Return the successes per second over half a timeout, pauses included."""
        return self._recent.mean

    @property
    def weight(self) -> float:
        """Return how reliable `recent` is, 0 to 1."""
        return self._recent.weight

    @property
    def steady(self) -> float:
        """Return the successes per second over one and a half timeouts, without pauses."""
        return self._steady.mean

    @property
    def paused(self) -> bool:
        """True if calls are in flight, and none has ended for longer than is chance."""
        usual = self._usual.mean
        gaps = _MIN_GAPS / usual if usual > 0 else inf
        return self._still >= max(_MIN_PAUSE * self._timeout, gaps)

    @property
    def pause_is_usual(self) -> bool:
        """True during a pause no longer than those that ended well, and while its calls end."""
        if self._draining > 0:
            return True
        tolerated = min(_MAX_TOLERATED * self._timeout, _TOLERANCE * self._longest)
        return _MIN_PAUSE * self._timeout <= self._still <= tolerated

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        self._recent.add(sample.throughput, sample.seconds)
        self._usual.add(sample.throughput, sample.seconds)
        self._longest *= exp(-sample.seconds / _MEMORY)
        self._draining -= sample.seconds
        if sample.in_flight and not (sample.successes or sample.failures):
            self._still += sample.seconds
            return
        if self._draining <= 0 and self.pause_is_usual:
            self._draining = self._timeout - self._still
        if sample.successes and not sample.failures and self._still >= _MIN_PAUSE * self._timeout:
            self._longest = max(self._longest, self._still)
        if not self.paused:
            self._steady.add(0.0, self._still)
        self._still = 0.0
        self._steady.add(sample.throughput, sample.seconds)
