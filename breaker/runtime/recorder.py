"""Record reported calls: durations, errors, what is in flight."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from breakerd.breaker.calls.counters import Counters
from breakerd.breaker.calls.duration_histogram import FIRST_BUCKET, DurationHistogram
from breakerd.breaker.calls.outcome import CallOutcome, least_end
from breakerd.breaker.calls.totals import CallDelta, CallTotals, DeltaReader
from breakerd.breaker.context import current_priority
from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts
from breakerd.breaker.history.history import History
from breakerd.breaker.runtime.gate import Gate

if TYPE_CHECKING:
    from breakerd.breaker.calls.window import SlidingWindow
    from breakerd.breaker.shadow.shadow import Shadow

OFF: Final = -1.0
"""Limit in seconds below every duration: no call is only logged."""


_LIMITS: Final = 3
"""Latency thresholds or time-outs, at least, before a call in flight is presumed lost."""


def check_times(method: str, start: float, end: float) -> None:
    """Raise a ValueError if a call's times are not finite numbers."""
    if not math.isfinite(end - start):
        raise ValueError(f"{method}() got start={start}, end={end}; both must be finite seconds")


class CallRecorder:
    """Counts the calls of one breaker, and sets which of them the fast path may only log.

    Its breaker's lock must be held.
    """

    __slots__ = (
        "_abandoned",
        "_abandoned_slow",
        "_all_short",
        "_batch_limit",
        "_deltas",
        "_engine",
        "_errors",
        "_expected",
        "_failed_duration",
        "_gate",
        "_histogram",
        "_last_activity",
        "_late_abandoned",
        "_lost",
        "_rejected",
        "_timed_out",
        "_unwindowed",
        "_window",
        "deferred",
        "history",
        "shadow",
        "simulated",
    )

    def __init__(self, gate: Gate, engine: Engine, clock: Callable[[], float], now: float) -> None:
        self._gate = gate
        self._engine = engine
        self.history = History(engine, clock, now)
        self._rejected = 0
        """Rejected calls that the history has."""
        self._window: SlidingWindow = engine.window
        self._histogram = DurationHistogram()
        self._deltas = DeltaReader()
        self._errors = 0
        self._timed_out = 0
        """Calls reported as successful, or abandoned, after the stated time-out."""
        self._failed_duration = 0.0
        """Seconds that failed, timed-out and abandoned calls took."""
        self._unwindowed = 0
        """Reported calls that the window did not take."""
        self.simulated = 0
        """Calls that drills have made up, since the creation."""
        self._lost = 0
        """Admitted calls presumed lost: nobody will report them."""
        self._abandoned = self._abandoned_slow = self._late_abandoned = 0
        """Abandoned calls; those of them that counted; those of these that counted as late."""
        self.deferred: list[tuple[float, float, CallOutcome]] = []
        """(start, end, outcome) of calls reported while their thread could not have the lock."""
        self._last_activity = (0, now)
        self._batch_limit = OFF
        """Successful calls up to this many seconds are only logged, short or not."""
        self._expected: float = FIRST_BUCKET
        """Seconds that calls are expected to take at most: `FIRST_BUCKET`, or infinity."""
        self._all_short = True
        """True if all that is logged is `FIRST_BUCKET`, and need not be sorted into buckets."""
        self.shadow: Shadow | None = None
        """Candidate on the same calls; None without one."""

    # --- reported calls

    def flush(self, now: float) -> None:
        """Record what the fast path logged.

        The calls count as ended at `now`, which is late by one tick at most.
        """
        if not self._gate.decision:
            self._record_rejections(now)
        durations = self._gate.drain()
        if not durations:
            return
        total = sum(durations)
        if not total >= 0.0:
            # Some ended before they started: that counts as no time at all.
            durations = [max(0.0, seconds) for seconds in durations]
            total = sum(durations)
        self._window.extend(now, durations)
        if self.shadow is not None:
            self.shadow.take(now, durations, self.traffic)
        slot = self.history.slot(now)
        if self._all_short:
            # Not sorted into buckets, which costs 25 ns a call.
            slot.count_short(len(durations))
            self._histogram.extend_short(len(durations), total)
            self._expect_short()
            return
        ordered = sorted(durations)
        slot.count_good(ordered)
        if self._histogram.extend(ordered, total):
            self._expect_short()

    def _expect_short(self) -> None:
        # The next batch may hold longer calls that other threads logged before this one; the
        # batch after it holds none, unless `log_long` was called.
        self._all_short = self._expected <= FIRST_BUCKET
        self._expected = FIRST_BUCKET
        self._set_fast_limit()

    def log_long(self, seconds: float) -> bool:
        """Log a successful call that is not `FIRST_BUCKET`, and let the fast path log such ones."""
        if seconds > self._batch_limit:
            return False
        self._all_short, self._expected = False, math.inf
        self._set_fast_limit()
        self._gate.durations.append(seconds)
        return True

    def record_success(self, now: float, end: float, seconds: float) -> None:
        """Record a successful call with its own end, which changes no decision."""
        self._histogram.add(seconds)
        self._window.add(end, seconds, error=False)
        self.history.slot(now).count(seconds, slow=False)
        if self.shadow is not None:
            self.shadow.take_good(end, seconds, self.traffic)

    def record(self, now: float, start: float, end: float, outcome: CallOutcome) -> None:
        """Record a call, and let the engine judge it."""
        end = max(start, end)
        traffic = self.traffic
        if outcome is CallOutcome.ABANDONED:
            self._record_abandoned(now, start, end, traffic)
        else:
            self._record_ended(now, start, end, traffic, outcome)
        if self.shadow is not None:
            self.shadow.observe(now, start, end, traffic, outcome)

    def _record_ended(
        self, now: float, start: float, end: float, traffic: CallCounts, outcome: CallOutcome
    ) -> None:
        seconds, error = end - start, outcome is CallOutcome.ERROR
        timed_out = not error and seconds > self._engine.useful_time
        self._errors += error
        self._timed_out += timed_out
        self._failed_duration += seconds * (error or timed_out)
        self._histogram.add(seconds)
        slot = self.history.slot(now)
        slot.count(seconds, slow=seconds > self._engine.slow_after, failed=error, late=timed_out)
        slot.in_flight = max(slot.in_flight, traffic.in_flight)
        if not self._engine.observe(now, start, end, traffic, outcome):
            self._unwindowed += 1

    def finish(self, now: float) -> None:
        """Record what is left before the lock is released.

        That is the calls that were reported while their thread could not have the lock, and a
        change of state.
        """
        while self.deferred:
            self.record(now, *self.deferred.pop(0))
        machine = self._engine.machine
        state = machine.override or machine.decided
        if state is not self.history.state:
            self.history.note_state(now, state)

    def exclude(self, windowed: int) -> None:
        """Do not count so many calls in the window as reported: no caller made them."""
        self._unwindowed -= windowed

    def _record_abandoned(self, now: float, start: float, end: float, traffic: CallCounts) -> None:
        """Record a call that its caller gave up; it counts only if it was slow by then."""
        engine = self._engine
        end = least_end(start, end, engine.slow_after, engine.useful_time)
        seconds = end - start
        self._abandoned += 1
        slot = self.history.slot(now)
        slot.abandoned += 1
        if not engine.observe(now, start, end, traffic, CallOutcome.ABANDONED):
            self._unwindowed += 1
            slot.calls += 1
            slot.unmeasured += 1
            return
        late = seconds > engine.useful_time
        self._abandoned_slow += 1
        self._late_abandoned += late
        self._timed_out += late
        self._failed_duration += seconds
        self._histogram.add(seconds)
        slot.count(seconds, slow=True, late=late)

    # --- decided calls

    def count(self, now: float, admitted: bool) -> None:
        """Count a call that the engine decided just now, on the thread of its caller."""
        self._gate.count(admitted)
        if admitted:
            return
        self._rejected += 1
        if self._engine.conditions.rejects_for_limit:
            self.history.shed(now, current_priority())
        else:
            self.history.reject(now, self._engine.transitions.rejection_reason, 1)

    def _record_rejections(self, now: float) -> None:
        """Record the calls that were rejected by a prepared decision."""
        rejected = self._gate.rejected
        if rejected > self._rejected:
            reason = self._engine.transitions.rejection_reason
            self.history.reject(now, reason, rejected - self._rejected)
            self._rejected = rejected

    # --- figures

    @property
    def traffic(self) -> CallCounts:
        """Calls admitted so far, and in flight."""
        return CallCounts(self._gate.admitted, self.in_flight)

    @property
    def in_flight(self) -> int:
        """Calls admitted and neither reported nor presumed lost."""
        gate = self._gate
        logged = len(gate.durations) + len(self.deferred)
        unreported = max(0, gate.admitted - (self._window.total + logged + self._unwindowed))
        # One that was presumed lost may have been reported after all.
        self._lost = min(self._lost, unreported)
        return unreported - self._lost

    def delta(self) -> CallDelta:
        """Return the calls since the last delta."""
        return self._deltas.read(self._totals(), self._window, self.in_flight)

    def counters(self) -> Counters:
        """Return the totals since the breaker was made."""
        return Counters(
            success=self._histogram.count - self._errors - self._abandoned_slow,
            error=self._errors,
            abandoned=self._abandoned,
            rejected=self._gate.rejected,
            in_flight=self.in_flight,
            would_reject=self._engine.would_reject,
            transitions=dict(self._engine.transitions.counts),
            duration_buckets=self._histogram.cumulative(),
            duration_sum=self._histogram.sum,
        )

    # --- time

    def tick(self, now: float, delta: CallDelta) -> bool:
        """Note what a tick has seen, and give up lost calls; return True if nothing happened."""
        self._record_rejections(now)
        idle = not (delta.admitted or delta.ended or delta.in_flight)
        if delta.rejected or not idle:
            self.history.observe(now, delta.in_flight)
        self._expire_lost(now)
        return idle

    def _expire_lost(self, now: float) -> None:
        """Presume all calls in flight lost once nothing has happened for long.

        Not before it can be seen that they hang, and not while calls are rejected anyway.
        """
        activity = self._gate.admitted + self._window.total + self._unwindowed
        count, since = self._last_activity
        if activity != count:
            self._last_activity = (activity, now)
        elif self._engine.conditions.admits_up_to_limit and now - since > self._lost_after:
            self.lose_all()

    def lose_all(self) -> None:
        """Presume all calls in flight lost."""
        self._lost += self.in_flight

    def after_fork(self, now: float) -> None:
        """Presume the parent's calls lost, and let the controller see the next one.

        The history begins anew: that of the parent is told by the parent.
        """
        self.flush(now)
        self._rejected = self._gate.rejected
        self.lose_all()
        self.limit_batches(OFF)
        self.history.clear()

    @property
    def _lost_after(self) -> float:
        """Seconds without any event after which calls in flight are lost."""
        settings = self._engine.settings
        limits = [settings.latency_threshold / 1000] if settings.watches_latency else []
        limits += [settings.slo.timeout] if settings.slo else []
        return max(settings.latency_max_age, _LIMITS * max(limits))

    # --- the fast path

    def limit_batches(self, seconds: float) -> None:
        """Let the fast path only log successful calls up to so many seconds; `OFF` for none."""
        self._batch_limit = seconds
        self._set_fast_limit()

    @property
    def batch_limit(self) -> float:
        """Successful calls up to this many seconds are only logged, short or not."""
        return self._batch_limit

    def _set_fast_limit(self) -> None:
        self._gate.fast_limit = min(self._expected, self._batch_limit)

    def _totals(self) -> CallTotals:
        return CallTotals(
            admitted=self._gate.admitted,
            rejected=self._gate.rejected,
            ended=self._histogram.count,
            errors=self._errors,
            late=self._timed_out,
            abandoned=self._abandoned_slow - self._late_abandoned,
            duration=self._histogram.sum,
            failed_duration=self._failed_duration,
        )
