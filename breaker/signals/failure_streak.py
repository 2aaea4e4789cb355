"""Failure streak: a sequential test of consecutive failures for an outage.

Two likelihood ratios (Wald 1945) test "almost every call fails" against two alternatives:

- *calls fail as often as usual*: the odds must be so high that chance claims an outage less than
  once an hour at this call rate, so a busy service needs more failures than a quiet one;
- *half of the calls fail*: then the successful ones are worth more than what rejecting saves.

A call that is still pending after the time that failures take counts against an outage; one that
its caller withdrew counts for nothing. If no call has succeeded for a whole time-out, nothing is
pending that may still be of use: then all failures since the last success count, and so does each
call that has been in flight for longer.
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
        self.caution = 0.0
        """Logarithm of odds needed beyond chance: others test as well, and may be wrong."""
        self.failures = 0
        """Number of failures in a row of calls that began after `reset` and `forgive_queued`."""
        self._unanswered = 0
        """Number of all failures since the last success."""
        self._started_at = 0.0
        self._admitted_at_start = 0.0
        self._failure_duration = 0.0
        self._rate = 0.0
        self._rate_weight = 0.0
        self._short_rate = 0.0
        self._long_rate = 0.05
        self._ended_failures = 0
        self._reset_at = self._queued_until = float("-inf")
        self._silent_since: float | None = None
        """Time of the last success, or of the first call; None before it."""

    @property
    def active(self) -> bool:
        """True while calls fail in a row."""
        return self.failures > 0 or self._unanswered > 0

    @property
    def length(self) -> int:
        """Return the number of failures in a row."""
        return max(self.failures, self._unanswered)

    @property
    def expected_failure_rate(self) -> float:
        """Return the failure rate outside of outages, 0 to 1."""
        return min(_MOST_USUAL, max(_LEAST_USUAL, self._short_rate, _LONG_MARGIN * self._long_rate))

    def reset(self, now: float) -> None:
        """End the streak and ignore calls that began before `now`."""
        self.failures = self._unanswered = 0
        self._reset_at = now

    def forgive_queued(self, now: float) -> None:
        """End the streak, since calls queue: those that wait already may still time out.

        They count all the same if no call succeeds for a time-out, which no queue explains.
        """
        self.failures, self._queued_until = 0, now

    def advance(
        self, now: float, *, seconds: float, attempts: int, successes: int, admitted: int
    ) -> None:
        """Add an interval: its attempts and successes, and the calls admitted since creation."""
        self._admissions.add(now, admitted)
        kept = exp(-seconds / _RATE_SPAN)
        if seconds:
            self._rate = self._rate * kept + attempts / seconds * (1 - kept)
            self._rate_weight = self._rate_weight * kept + 1 - kept
        if self._silent_since is None and attempts:
            self._silent_since = now - seconds
        if successes:
            self._silent_since, self._unanswered = now, 0
            self._short_rate = self._updated_rate(self._short_rate, _SHORT, successes)
            self._long_rate = self._updated_rate(self._long_rate, _LONG, successes)
            self._ended_failures = 0

    def record_success(self, start: float, *, congested: bool) -> None:
        """Record the success of a call that began at `start`.

        A call that began before the streak does not end it, unless the dependency is `congested`:
        then a full queue may refuse new calls while it serves queued ones.
        """
        self._unanswered = 0
        if self.failures and (start >= self._started_at or congested):
            self._ended_failures += min(_MAX_COUNTED_FAILURES, self.failures)
            self.failures = 0

    def record_failure(self, now: float, start: float, end: float, admitted: int) -> bool:
        """Record the failure of a call; return True if the streak shows an outage."""
        if start < self._reset_at:
            return False
        self._unanswered += 1
        queued = start < self._queued_until
        if not queued:
            self._extend_streak(start, end, admitted)
        if self._is_silent(now):
            return self._significant(self._unanswered, 0)
        if queued:
            return False
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

    def hung(self, now: float, in_flight: int, admitted: int, *, blocked: bool = False) -> int:
        """Return the number of calls that failed or hang, if they show an outage; else 0.

        It is 0 as well if a call succeeded within the last time-out. `blocked` is True if a limit
        lets no further call begin: if all calls in flight hang then, waiting shows nothing more.
        """
        if not self._is_silent(now):
            return 0
        moment = now - self._timeout
        admitted -= self._withdrawn.started_after(moment)
        late = int(self._admissions.older_than(moment, in_flight, admitted))
        fruitless = self._unanswered + late
        stuck = blocked and late >= in_flight and (fruitless > 1 or self._is_silent(now, times=2))
        return fruitless if late and (stuck or self._significant(fruitless, 0)) else 0

    def _is_silent(self, now: float, *, times: int = 1) -> bool:
        """True if no call has succeeded for so many time-outs."""
        since = self._silent_since
        return since is not None and now - since >= times * self._timeout

    def _extend_streak(self, start: float, end: float, admitted: int) -> None:
        if not self.failures:
            self._started_at = start
            self._admitted_at_start = self._admitted_at(start, admitted)
            self._withdrawn_at_start = self._withdrawn.started_by(start)
            self._failure_duration = end - start
        self.failures += 1
        self._failure_duration += 0.2 * (end - start - self._failure_duration)

    def _significant(self, failures: float, pending: float) -> bool:
        rate = max(0.01, self._rate + (1 - self._rate_weight) * _INITIAL_RATE)
        against_half = _log_odds(_PARTIAL_FAILURE_RATE, failures, pending)
        if against_half < 0:
            self.failures = 0
            return False
        return (
            failures > 1
            and _log_odds(self.expected_failure_rate, failures, pending)
            >= log(rate / _MAX_FALSE_ALARM_RATE) + self.caution
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
