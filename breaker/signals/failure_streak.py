"""Is it hopeless? Failures in a row, judged as they come, by two likelihood ratios.

A sequential test (Wald 1945) of "next to nothing succeeds" against two rivals:

- *it fails as often as it usually does*: the odds must be so high that chance would claim it less
  than once an hour at this rate of calls, so a busy service needs more failures than a quiet one;
- *half of the calls fail*: then those that succeed are worth more than what rejecting saves.

A call that has neither failed nor succeeded in the time that the failures took speaks against it.
"""

from math import exp, log
from typing import Final

from breakerd.breaker.calls.admission_history import AdmissionHistory

_OUTAGE_FAILURE_RATE: Final = 0.95
"""Share of calls that fail when it is hopeless."""
_PARTIAL_FAILURE_RATE: Final = 0.5
_MAX_FALSE_ALARM_RATE: Final = 1 / 3600
"""Per second, by chance: one an hour."""
_CAUTION: Final = 1.2
"""How the odds against the second rival grow with the logarithm of the rate of calls."""
_LEAST_USUAL, _MOST_USUAL = 0.02, 0.8
"""Range of the usual share of failures; nobody never fails."""
_SHORT, _LONG = 64, 512
"""Calls over which the usual share of failures is learnt; the larger of both counts."""
_LONG_MARGIN: Final = 1.2
_MAX_COUNTED_FAILURES: Final = 10
"""Of a streak that ended, at most so many failures count as usual."""
_RATE_SPAN: Final = 10.0
_INITIAL_RATE: Final = 10.0
"""Calls per second, as long as nothing else is known: a few failures at the start open nothing."""


class FailureStreak:
    """The failures since the last success, and whether they mean that it is hopeless.

    Args:
        timeout: seconds after which a call has failed.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._admissions = AdmissionHistory(span=2.2 * timeout)
        self.failures = 0
        """Failures since the last success."""
        self._started_at = 0.0
        self._admitted_at_start = 0.0
        self._failure_duration = 0.0
        self._rate = 0.0
        self._rate_weight = 0.0
        self._short_rate = 0.0
        self._long_rate = 0.05
        self._ended_failures = 0
        self._reset_at = float("-inf")
        self._last_success = float("-inf")

    @property
    def active(self) -> bool:
        """Whether the last call that counted failed."""
        return self.failures > 0

    @property
    def expected_failure_rate(self) -> float:
        """The share of calls that fail when nothing is the matter."""
        return min(_MOST_USUAL, max(_LEAST_USUAL, self._short_rate, _LONG_MARGIN * self._long_rate))

    def reset(self, now: float) -> None:
        """Calls that began before now say nothing about what comes."""
        self.failures, self._reset_at = 0, now

    def advance(
        self, now: float, *, seconds: float, attempts: int, successes: int, admitted: int
    ) -> None:
        """Takes in a short time: attempts and successes in it, and the calls ever admitted."""
        self._admissions.add(now, admitted)
        kept = exp(-seconds / _RATE_SPAN)
        if seconds:
            self._rate = self._rate * kept + attempts / seconds * (1 - kept)
            self._rate_weight = self._rate_weight * kept + 1 - kept
        if successes:
            self._last_success = now
            self._short_rate = self._updated_rate(self._short_rate, _SHORT, successes)
            self._long_rate = self._updated_rate(self._long_rate, _LONG, successes)
            self._ended_failures = 0

    def record_success(self, start: float, *, congested: bool) -> None:
        """A call ended well, which began at `start`.

        One that began before the streak says nothing against it, unless calls crowd: then a full
        queue may refuse newcomers while those within are served.
        """
        if self.failures and (start >= self._started_at or congested):
            self._ended_failures += min(_MAX_COUNTED_FAILURES, self.failures)
            self.failures = 0

    def record_failure(self, now: float, start: float, end: float, admitted: int) -> bool:
        """A call failed that began at `start`; True if it is hopeless."""
        if start < self._reset_at:
            return False
        if not self.failures:
            self._started_at = start
            self._admitted_at_start = self._admitted_at(start, admitted)
        self.failures += 1
        self._failure_duration += 0.2 * (end - start - self._failure_duration)
        by_then = self._admitted_at(now - self._failure_duration, admitted)
        pending = max(0.0, by_then - self._admitted_at_start - self.failures)
        return self._significant(self.failures, pending)

    def hung(self, now: float, in_flight: int, admitted: int) -> int:
        """How many calls hang, if none has ended well for the length of a time-out; else 0."""
        if now - self._last_success < self._timeout:
            return 0
        late = int(self._admissions.older_than(now - self._timeout, in_flight, admitted))
        return late if late and self._significant(self.failures + late, 0) else 0

    def _significant(self, failures: float, pending: float) -> bool:
        rate = max(0.01, self._rate + (1 - self._rate_weight) * _INITIAL_RATE)
        against_half = _log_odds(_PARTIAL_FAILURE_RATE, failures, pending)
        if against_half < 0:
            self.failures = 0
            return False
        return (
            failures > 1
            and _log_odds(self.expected_failure_rate, failures, pending)
            >= log(max(1.1, rate / _MAX_FALSE_ALARM_RATE))
            and against_half >= _CAUTION * log(1 + 2 * rate)
        )

    def _admitted_at(self, moment: float, admitted: int) -> float:
        if moment >= self._admissions.last_sampled_at:
            return admitted
        return self._admissions.count_at(moment) or 0.0

    def _updated_rate(self, share: float, calls: int, successes: int) -> float:
        kept = 1 - 1 / calls
        return (1 - (1 - share) * kept**self._ended_failures) * kept**successes


def _log_odds(share: float, failures: float, pending: float) -> float:
    """Logarithm of the odds that it is hopeless, and not that `share` of the calls fail."""
    return failures * log(_OUTAGE_FAILURE_RATE / share) + pending * log(
        (1 - _OUTAGE_FAILURE_RATE) / (1 - share)
    )
