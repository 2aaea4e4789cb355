"""Adaptive load shedding: concurrency limiter plus failure-streak test, fed from call counters.

Pure: `now` is passed in, in seconds of the breaker's clock.
"""

from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import NamedTuple

from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.context import Priority
from breakerd.breaker.limiter import ConcurrencyLimiter, LimiterPhase, Sample
from breakerd.breaker.limiter.load_ceiling import LoadCeiling
from breakerd.breaker.limiter.priority_shares import PriorityShares
from breakerd.breaker.settings import Settings
from breakerd.breaker.signals.failure_streak import FailureStreak

_CONGESTED_KNEE_RATIO = 1.5
"""Multiple of the knee above which a full queue may refuse new calls and serve queued ones."""


class CallCounts(NamedTuple):
    """Counts of a breaker's calls."""

    admitted: int
    """Calls admitted since the breaker's creation."""
    in_flight: int
    """Calls admitted and not reported yet."""


@dataclass(slots=True)
class _SampleBuilder:
    """Accumulates call deltas until a sample is complete."""

    since: float
    successes: int = 0
    failures: int = 0
    success_seconds: float = 0.0
    admitted: int = 0
    rejected: int = 0

    def add(self, delta: CallDelta) -> None:
        failures = delta.errors + delta.late
        self.failures += failures
        self.successes += delta.ended - failures - delta.abandoned
        self.success_seconds += delta.duration - delta.failed_duration
        self.admitted += delta.admitted
        self.rejected += delta.rejected


class LoadShedder:
    """Concurrency limiter and failure streak of one breaker. Not thread-safe.

    There is a limiter if `[limiter] enabled` is set, and a streak if an `slo` is.
    """

    def __init__(self, settings: Settings, now: float) -> None:
        useful = settings.useful_time
        limits = settings.limiter
        self.limiter = (
            ConcurrencyLimiter(useful, min_limit=limits.min_limit, max_limit=limits.max_limit)
            if limits.enabled
            else None
        )
        self.streak = FailureStreak(useful) if settings.slo else None
        self.priority_shares = PriorityShares()
        self.load_ceiling = LoadCeiling()
        """Ceiling set by the machine's load."""
        self.system_overloaded = False
        """True while that load is too high; set by the engine."""
        self.rejected = 0
        """Calls rejected by the limit since the breaker's creation."""
        self.interval = min(0.1, max(0.01, useful / 20)) if isfinite(useful) else None
        """Seconds between samples; None if nothing is sampled."""
        self._pending = _SampleBuilder(now)
        self.limit = inf
        """Maximum number of concurrent calls; infinite if there is no limit."""
        self._set_limit()

    @property
    def limiting(self) -> bool:
        """True if there is a limit now."""
        return self.limit != inf

    @property
    def streak_active(self) -> bool:
        """True while calls fail in a row."""
        return self.streak is not None and self.streak.active

    @property
    def overloaded(self) -> bool:
        """True if calls may be rejected because of overload."""
        by_load = isfinite(self.load_ceiling.limit)
        return self.limiter is not None and (self.limiter.is_shedding or by_load)

    @property
    def capped(self) -> bool:
        """True if nothing but the stated `max_limit` limits the calls."""
        return (
            self.limiter is not None
            and self.limiter.phase is LimiterPhase.UNLIMITED
            and not self.overloaded
            and self.limiting
        )

    def admits(self, counts: CallCounts, priority: Priority) -> bool:
        """True if the limit admits one more call; counts a rejection otherwise."""
        if self.limiter is None:
            return True
        admitted = self.priority_shares.admits(priority, counts.in_flight, self.limit)
        self.rejected += not admitted
        return admitted

    def headroom(self, in_flight: int) -> int:
        """Return how many more calls the limit admits whatever their priority."""
        limit = max(1.0, self.limit * self.priority_shares.least)
        return max(0, ceil(limit) - in_flight)

    def advance(
        self, now: float, delta: CallDelta, counts: CallCounts, *, open_to_calls: bool
    ) -> None:
        """Add a call delta; update the limit once a sample is complete.

        `open_to_calls` is True if calls are admitted up to the limit.
        """
        if self.interval is None:
            return
        pending = self._pending
        pending.add(delta)
        seconds = now - pending.since
        if seconds < 0.99 * self.interval:
            return
        self._pending = _SampleBuilder(now)
        if self.streak:
            self.streak.advance(
                now,
                seconds=seconds,
                attempts=pending.admitted + pending.rejected,
                successes=pending.successes,
                admitted=counts.admitted,
            )
        if self.limiter:
            needed = pending.rejected > 0
            self.load_ceiling.advance(
                counts.in_flight, overloaded=self.system_overloaded, needed=needed
            )
            self._advance_limiter(self.limiter, now, seconds, pending, counts, open_to_calls)
            self._set_limit()
        self.priority_shares.advance()

    def record_failure(self, now: float, start: float, end: float, counts: CallCounts) -> bool:
        """Record a failed call; return True if the streak shows an outage."""
        return self.streak is not None and self.streak.record_failure(
            now, start, end, counts.admitted
        )

    def record_success(self, start: float, counts: CallCounts) -> None:
        """Record a successful call."""
        if self.streak:
            knee = self.limiter.reference.knee if self.limiter else counts.in_flight
            self.streak.record_success(
                start, congested=counts.in_flight > _CONGESTED_KNEE_RATIO * knee
            )

    def withdraw(self, now: float, start: float) -> None:
        """Forget a call that was abandoned before it was late: neither success nor failure."""
        if self.streak:
            self.streak.withdraw(now, start)

    def hung_calls(self, now: float, counts: CallCounts) -> int:
        """Return the number of hung calls if they show an outage, else 0."""
        if not self.streak:
            return 0
        blocked = counts.in_flight >= max(1.0, self.limit)
        return self.streak.hung(now, counts.in_flight, counts.admitted, blocked=blocked)

    def on_open(self, now: float) -> None:
        """Remove the limit and reset the streak: the breaker has opened."""
        if self.limiter:
            self.limiter.release()
            self._set_limit()
        self.forget_failures(now)

    def forget_failures(self, now: float) -> None:
        """Reset the streak: calls that began before `now` count for nothing."""
        if self.streak:
            self.streak.reset(now)

    def start_slow(self, share: float = 1.0, usual: float | None = None) -> None:
        """Set a small limit, times `share`: calls are admitted again after an outage.

        `usual` is the usual number of concurrent calls; None for what the limiter has learnt.
        """
        if self.limiter:
            self.limiter.start_slow(share, usual)
            self._set_limit()

    def _set_limit(self) -> None:
        if self.limiter:
            self.limit = min(self.limiter.limit, self.load_ceiling.limit)

    def _advance_limiter(
        self,
        limiter: ConcurrencyLimiter,
        now: float,
        seconds: float,
        pending: _SampleBuilder,
        counts: CallCounts,
        open_to_calls: bool,
    ) -> None:
        sample = Sample(
            seconds=seconds,
            successes=pending.successes,
            failures=pending.failures,
            success_seconds=pending.success_seconds,
            rejected=pending.rejected,
            in_flight=counts.in_flight,
            admitted=counts.admitted,
        )
        if not open_to_calls:
            limiter.observe(now, sample)
            return
        free = limiter.phase is LimiterPhase.UNLIMITED
        limiter.advance(now, sample)
        if free and limiter.phase is not LimiterPhase.UNLIMITED and self.streak:
            self.streak.forgive_queued(now)
