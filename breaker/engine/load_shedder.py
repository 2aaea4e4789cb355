"""What a breaker does by itself once it knows how long an answer is of use: hold back, and give up.

Joins the concurrency limit with the test of hopelessness, and feeds both from the breaker's
counters. Pure: `now` is passed in.
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
"""So many times the knee, and a full queue may refuse newcomers while those within are served."""


class CallCounts(NamedTuple):
    """The calls of a breaker up to now."""

    admitted: int
    """Ever let in."""
    in_flight: int
    """Let in, and not reported."""


@dataclass(slots=True)
class _SampleBuilder:
    """What came since the last sample."""

    since: float
    successes: int = 0
    failures: int = 0
    success_seconds: float = 0.0
    admitted: int = 0
    rejected: int = 0

    def add(self, batch: CallDelta) -> None:
        failures = batch.errors + batch.late
        self.failures += failures
        self.successes += batch.ended - failures
        self.success_seconds += batch.duration - batch.failed_duration
        self.admitted += batch.admitted
        self.rejected += batch.rejected


class LoadShedder:
    """The limiter, if there is one, and the streak of failures, where a service level is stated."""

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
        """What the machine's own load allows."""
        self.system_overloaded = False
        """Whether that load is too high; said by the engine."""
        self.rejected = 0
        """Calls turned away for the limit, since the breaker was made."""
        self.interval = min(0.1, max(0.01, useful / 20)) if isfinite(useful) else None
        """Seconds between samples; None where nothing is to be sampled."""
        self._pending = _SampleBuilder(now)
        self.limit = inf
        """How many calls may run at once; infinite if there is no limit."""
        self._set_limit()

    @property
    def limiting(self) -> bool:
        """Whether there is a limit now."""
        return self.limit != inf

    @property
    def streak_active(self) -> bool:
        """True while calls fail in a row."""
        return self.streak is not None and self.streak.active

    @property
    def overloaded(self) -> bool:
        """Whether calls are being held back because there are too many."""
        by_load = isfinite(self.load_ceiling.limit)
        return self.limiter is not None and (self.limiter.is_shedding or by_load)

    def admits(self, traffic: CallCounts, priority: Priority) -> bool:
        """Whether the limit lets one more call in."""
        if self.limiter is None:
            return True
        admitted = self.priority_shares.admits(priority, traffic.in_flight, self.limit)
        self.rejected += not admitted
        return admitted

    def headroom(self, in_flight: int) -> int:
        """How many more calls the limit lets in for sure, whatever their priority."""
        limit = max(1.0, self.limit * self.priority_shares.least)
        return max(0, ceil(limit) - in_flight)

    def advance(
        self, now: float, batch: CallDelta, traffic: CallCounts, *, open_to_calls: bool
    ) -> None:
        """Takes in what calls did; decides anew once a sample is complete."""
        if self.interval is None:
            return
        pending = self._pending
        pending.add(batch)
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
                admitted=traffic.admitted,
            )
        if self.limiter:
            needed = pending.rejected > 0
            self.load_ceiling.advance(
                traffic.in_flight, overloaded=self.system_overloaded, needed=needed
            )
            self._advance_limiter(self.limiter, now, seconds, pending, traffic, open_to_calls)
            self._set_limit()
        self.priority_shares.advance()

    def record_failure(self, now: float, start: float, end: float, traffic: CallCounts) -> bool:
        """A call failed; True if it is hopeless."""
        return self.streak is not None and self.streak.record_failure(
            now, start, end, traffic.admitted
        )

    def record_success(self, start: float, traffic: CallCounts) -> None:
        """A call ended well."""
        if self.streak:
            knee = self.limiter.reference.knee if self.limiter else traffic.in_flight
            self.streak.record_success(
                start, congested=traffic.in_flight > _CONGESTED_KNEE_RATIO * knee
            )

    def hung_calls(self, now: float, traffic: CallCounts) -> int:
        """How many calls hang, if that is hopeless; else 0."""
        return self.streak.hung(now, traffic.in_flight, traffic.admitted) if self.streak else 0

    def on_open(self, now: float) -> None:
        """Calls are rejected altogether: the limit goes, and failures before now are settled."""
        if self.limiter:
            self.limiter.release()
            self._set_limit()
        if self.streak:
            self.streak.reset(now)

    def start_slow(self) -> None:
        """Calls go again after an outage: the limit begins small."""
        if self.limiter:
            self.limiter.start_slow()
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
        traffic: CallCounts,
        open_to_calls: bool,
    ) -> None:
        sample = Sample(
            seconds=seconds,
            successes=pending.successes,
            failures=pending.failures,
            success_seconds=pending.success_seconds,
            rejected=pending.rejected,
            in_flight=traffic.in_flight,
            admitted=traffic.admitted,
        )
        if not open_to_calls:
            limiter.observe(now, sample)
            return
        free = limiter.phase is LimiterPhase.UNLIMITED
        limiter.advance(now, sample)
        if free and limiter.phase is not LimiterPhase.UNLIMITED and self.streak:
            # The queue that the limit is to end will time out for a while.
            self.streak.reset(now)
