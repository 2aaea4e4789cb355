"""Failure streak: a sequential test of consecutive failures for an outage.

Two likelihood ratios (Wald 1945) test "almost every call fails" against two alternatives:

- *calls fail as often as usual*: the odds must be so high that chance claims an outage less than
  once an hour at this call rate, so a busy service needs more failures than a quiet one;
- *half of the calls fail*: then the successful ones are worth more than what rejecting saves.

A call that is still pending after the time that failures take counts against an outage; one that
its caller withdrew counts for nothing.
"""

from math import exp, log
from typing import Final

from breakerd.breaker.calls.admission_history import AdmissionHistory
from breakerd.breaker.calls.withdrawn_calls import WithdrawnCalls

_OUTAGE_FAILURE_RATE: Final = 0.95
"""Failure rate during an outage."""
_PARTIAL_FAILURE_RATE: Final = 0.5
"""Failure rate of the second alternative."""
_MAX_FALSE_ALARM_RATE: Final = 1 / 3600
"""Maximum false alarms per second: one an hour."""
_CAUTION: Final = 1.2
"""Factor of the required odds against the second alternative per logarithm of the call rate."""
_LEAST_USUAL, _MOST_USUAL = 0.02, 0.8
"""Range of the expected failure rate; no dependency never fails."""
_SHORT, _LONG = 64, 512
"""Number of calls over which the two failure rates are learnt; the larger rate is used."""
_LONG_MARGIN: Final = 1.2
_MAX_COUNTED_FAILURES: Final = 10
"""Maximum number of failures of an ended streak that count as usual."""
_RATE_SPAN: Final = 10.0
_INITIAL_RATE: Final = 10.0
"""Assumed calls per second until the rate is known: a few failures at the start do not trip."""


class FailureStreak:
    """Consecutive failures, and the test whether they show an outage. Not thread-safe.

    Args:
        timeout: Seconds after which a call counts as failed.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._admissions = AdmissionHistory(span=2.2 * timeout)
        self._withdrawn = WithdrawnCalls(span=2.2 * timeout)
        self._withdrawn_at_start = 0
        self.failures = 0
        """Number of failures since the last success."""
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
        """True if the last call that counted failed."""
        return self.failures > 0

    @property
    def expected_failure_rate(self) -> float:
        """Return the failure rate outside of outages, 0 to 1."""
        return min(_MOST_USUAL, max(_LEAST_USUAL, self._short_rate, _LONG_MARGIN * self._long_rate))

    def reset(self, now: float) -> None:
        """End the streak and ignore calls that began before `now`."""
        self.failures, self._reset_at = 0, now

    def advance(
        self, now: float, *, seconds: float, attempts: int, successes: int, admitted: int
    ) -> None:
        """Add an interval: its attempts and successes, and the calls admitted since creation."""
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
        """Record the success of a call that began at `start`.

        A call that began before the streak does not end it, unless the dependency is `congested`:
        then a full queue may refuse new calls while it serves queued ones.
        """
        if self.failures and (start >= self._started_at or congested):
            self._ended_failures += min(_MAX_COUNTED_FAILURES, self.failures)
            self.failures = 0

    def record_failure(self, now: float, start: float, end: float, admitted: int) -> bool:
        """Record the failure of a call; return True if the streak shows an outage."""
        if start < self._reset_at:
            return False
        if not self.failures:
            self._started_at = start
            self._admitted_at_start = self._admitted_at(start, admitted)
            self._withdrawn_at_start = self._withdrawn.started_by(start)
        self.failures += 1
        self._failure_duration += 0.2 * (end - start - self._failure_duration)
        moment = now - self._failure_duration
        begun = self._admitted_at(moment, admitted) - self._admitted_at_start
        withdrawn = self._withdrawn.started_by(moment) - self._withdrawn_at_start
        pending = max(0.0, begun - max(0, withdrawn) - self.failures)
        return self._significant(self.failures, pending)

    def withdraw(self, now: float, start: float) -> None:
        """Take a call that began at `start` out of the account: its end will never be known."""
        self._withdrawn.add(now, start)
        if start < self._started_at:
            self._withdrawn_at_start += 1

    def hung(self, now: float, in_flight: int, admitted: int) -> int:
        """Return the number of hung calls if they show an outage; else 0.

        It is 0 as well if a call succeeded within the last time-out.
        """
        if now - self._last_success < self._timeout:
            return 0
        moment = now - self._timeout
        admitted -= self._withdrawn.started_after(moment)
        late = int(self._admissions.older_than(moment, in_flight, admitted))
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
    """Return the logarithm of the odds of an outage against a failure rate of `share`."""
    return failures * log(_OUTAGE_FAILURE_RATE / share) + pending * log(
        (1 - _OUTAGE_FAILURE_RATE) / (1 - share)
    )
