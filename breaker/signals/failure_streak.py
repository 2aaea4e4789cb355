"""Is it hopeless? Failures in a row, judged as they come, by two likelihood ratios.

A sequential test (Wald 1945) of "next to nothing succeeds" against two rivals:

- *it fails as often as it usually does*: the odds must be so high that chance would claim it less
  than once an hour at this rate of calls, so a busy service needs more failures than a quiet one;
- *half of the calls fail*: then those that succeed are worth more than what rejecting saves.

A call that has neither failed nor succeeded in the time that the failures took speaks against it.
"""

from math import exp, log
from typing import Final

from breakerd.breaker.calls.admission_history import Admissions

_HOPELESS: Final = 0.95
"""Share of calls that fail when it is hopeless."""
_HALF: Final = 0.5
_FALSE_ALARMS: Final = 1 / 3600
"""Per second, by chance: one an hour."""
_CARE: Final = 1.2
"""How the odds against the second rival grow with the logarithm of the rate of calls."""
_LEAST_USUAL, _MOST_USUAL = 0.02, 0.8
"""Range of the usual share of failures; nobody never fails."""
_SHORT, _LONG = 64, 512
"""Calls over which the usual share of failures is learnt; the larger of both counts."""
_LONG_MARGIN: Final = 1.2
_COUNTED: Final = 10
"""Of a streak that ended, at most so many failures count as usual."""
_RATE_SPAN: Final = 10.0
_UNKNOWN_RATE: Final = 10.0
"""Calls per second, as long as nothing else is known: a few failures at the start open nothing."""


class FailureStreak:
    """The failures since the last success, and whether they mean that it is hopeless.

    Args:
        timeout: seconds after which a call has failed.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._admissions = Admissions(span=2.2 * timeout)
        self.failures = 0
        """Failures since the last success."""
        self._began = 0.0
        self._admitted_before = 0.0
        self._failing_takes = 0.0
        self._rate = 0.0
        self._known = 0.0
        self._short = 0.0
        self._long = 0.05
        self._ended_failures = 0
        self._since = float("-inf")
        self._last_success = float("-inf")

    @property
    def running(self) -> bool:
        """Whether the last call that counted failed."""
        return self.failures > 0

    @property
    def usual(self) -> float:
        """The share of calls that fail when nothing is the matter."""
        return min(_MOST_USUAL, max(_LEAST_USUAL, self._short, _LONG_MARGIN * self._long))

    def forget(self, now: float) -> None:
        """Calls that began before now say nothing about what comes."""
        self.failures, self._since = 0, now

    def advance(
        self, now: float, *, seconds: float, attempts: int, successes: int, admitted: int
    ) -> None:
        """Takes in a short time: attempts and successes in it, and the calls ever admitted."""
        self._admissions.add(now, admitted)
        kept = exp(-seconds / _RATE_SPAN)
        if seconds:
            self._rate = self._rate * kept + attempts / seconds * (1 - kept)
            self._known = self._known * kept + 1 - kept
        if successes:
            self._last_success = now
            self._short = self._learnt(self._short, _SHORT, successes)
            self._long = self._learnt(self._long, _LONG, successes)
            self._ended_failures = 0

    def succeeded(self, start: float, *, crowded: bool) -> None:
        """A call ended well, which began at `start`.

        One that began before the streak says nothing against it, unless calls crowd: then a full
        queue may refuse newcomers while those within are served.
        """
        if self.failures and (start >= self._began or crowded):
            self._ended_failures += min(_COUNTED, self.failures)
            self.failures = 0

    def failed(self, now: float, start: float, end: float, admitted: int) -> bool:
        """A call failed that began at `start`; True if it is hopeless."""
        if start < self._since:
            return False
        if not self.failures:
            self._began = start
            self._admitted_before = self._admitted_by(start, admitted)
        self.failures += 1
        self._failing_takes += 0.2 * (end - start - self._failing_takes)
        by_then = self._admitted_by(now - self._failing_takes, admitted)
        pending = max(0.0, by_then - self._admitted_before - self.failures)
        return self._hopeless(self.failures, pending)

    def hangs(self, now: float, in_flight: int, admitted: int) -> int:
        """How many calls hang, if none has ended well for the length of a time-out; else 0."""
        if now - self._last_success < self._timeout:
            return 0
        late = int(self._admissions.older(now - self._timeout, in_flight, admitted))
        return late if late and self._hopeless(self.failures + late, 0) else 0

    def _hopeless(self, failures: float, pending: float) -> bool:
        rate = max(0.01, self._rate + (1 - self._known) * _UNKNOWN_RATE)
        against_half = _odds(_HALF, failures, pending)
        if against_half < 0:
            self.failures = 0
            return False
        return (
            failures > 1
            and _odds(self.usual, failures, pending) >= log(max(1.1, rate / _FALSE_ALARMS))
            and against_half >= _CARE * log(1 + 2 * rate)
        )

    def _admitted_by(self, moment: float, admitted: int) -> float:
        if moment >= self._admissions.latest:
            return admitted
        return self._admissions.by(moment) or 0.0

    def _learnt(self, share: float, calls: int, successes: int) -> float:
        kept = 1 - 1 / calls
        return (1 - (1 - share) * kept**self._ended_failures) * kept**successes


def _odds(share: float, failures: float, pending: float) -> float:
    """Logarithm of the odds that it is hopeless, and not that `share` of the calls fail."""
    return failures * log(_HOPELESS / share) + pending * log((1 - _HOPELESS) / (1 - share))
