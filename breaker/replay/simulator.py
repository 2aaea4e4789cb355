"""Simulate one configuration: a real breaker on the clock of the trace."""

from heapq import heappop, heappush
from math import inf, isfinite, nextafter
from typing import Final

from breakerd.breaker.breaker import Breaker
from breakerd.breaker.replay.recorder import ReplayRecorder
from breakerd.breaker.replay.report import Outcome
from breakerd.breaker.replay.timeline import Lane
from breakerd.breaker.replay.trace.record import CallRecord
from breakerd.breaker.settings import Settings

_HEALTHY_STEP: Final = 0.25
"""Seconds between two ticks while the breaker is healthy. A service ticks up to 100 times in that
time, and ticks without effect would dominate the cost of a replay."""
_MIN_STEP: Final = 0.001
"""Minimum seconds between two ticks."""
_QUIET_SHARE: Final = 0.05
"""Step as a share of the time since anything happened, so that a long silence costs few ticks and
what time alone brings about is still found to within this share."""
_OVER_BUDGET_SHARE: Final = 0.5
"""The same once there have been more ticks than the calls are worth."""
_TICKS_PER_CALL: Final = 25
_FREE_TICKS: Final = 2000
"""Ticks that a trace may take beyond `_TICKS_PER_CALL`."""


class Simulator:
    """Run the calls of a trace through a breaker: `allow` at their start, `done` at their end.

    A rejected call never ends. Between calls the breaker is ticked when due, as its ticker
    would; intervals in which nothing can happen are skipped. The longer nothing has happened, the
    longer the steps, so that the cost depends on the number of calls and not on their length.

    Args:
        label: the configuration's name.
        settings: the configuration.
    """

    def __init__(self, label: str, settings: Settings) -> None:
        self._now = 0.0
        self._memory: float | None = None
        self._breaker = Breaker(
            settings,
            name=label,
            clock=lambda: self._now,
            memory=lambda: self._memory,
            externally_ticked=True,
        )
        self._recorder = ReplayRecorder(
            label, settings, self._breaker.state, self._oldest_in_flight
        )
        self._breaker.subscribe(self._recorder.on_event)
        self._in_flight: list[tuple[float, int, float, CallRecord]] = []
        """(end, number, start, call) of the calls that passed and have not ended."""
        self._calls = 0
        self._ticks = 0
        self._next_tick = 0.0
        self._last_change = 0.0
        """Time of the last call, the last end of one, or the last event of the breaker."""
        self._lane = Lane()

    def offer(self, call: CallRecord, lane: Lane) -> None:
        """Offer a call to the breaker, after everything that precedes it.

        Args:
            call: its start is in seconds since the first one's.
            lane: the record of this configuration for the present bin.
        """
        if lane is not self._lane:
            self._record_limit()
            self._lane = lane
        # For the time since the last call, the later reading is as good as the earlier one.
        if call.memory is not None:
            self._memory = call.memory
        self._advance_to(call.start)
        self._last_change = self._now
        self._calls += 1
        admitted = self._breaker.allow()
        self._recorder.record_offer(call, admitted=admitted)
        if admitted:
            heappush(
                self._in_flight,
                (_end_time(self._now, call.duration), self._calls, self._now, call),
            )
            lane.in_flight = max(lane.in_flight, len(self._in_flight))
        else:
            lane.rejected += call.weight
            self._recorder.held_back += call.weight * (not self._breaker.triggered)

    def finish(self, end: float, origin: float) -> Outcome:
        """End all calls and return the outcome.

        Args:
            end: end of the last call of the trace, rejected calls included, in seconds.
            origin: seconds to add to every time.
        """
        self._advance_to(end)
        self._record_limit()
        self._breaker.close()
        return self._recorder.outcome(origin, end)

    def _advance_to(self, moment: float) -> None:
        under_way = self._in_flight
        while under_way and under_way[0][0] <= moment:
            self._tick_until(under_way[0][0])
            end, _, start, call = heappop(under_way)
            self._last_change = end
            self._recorder.record_end(start, call)
            if call.abandoned:
                self._breaker.abandon(start, end)
            else:
                self._breaker.done(start, end, error=call.error)
        self._tick_until(moment)

    def _tick_until(self, until: float) -> None:
        while self._next_tick <= until:
            self._now = max(self._now, self._next_tick)
            self._tick(until)
        self._now = max(self._now, until)

    def _tick(self, until: float) -> None:
        self._ticks += 1
        before = self._breaker.state
        step = self._breaker.tick()
        if self._breaker.state is not before:
            self._last_change = self._now
        if not self._needs_fine_steps:
            step = max(step, _HEALTHY_STEP)
        if not self._in_flight:
            # Nothing can change before the next deadline, or without one, before the next call.
            step = self._breaker.retry_after or max(step, until - self._now)
        else:
            step = self._lengthened(step)
        self._next_tick = self._now + max(step, _MIN_STEP)

    def _lengthened(self, step: float) -> float:
        """Return `step`, or more after a silence; never past the state's deadline."""
        budget = _FREE_TICKS + _TICKS_PER_CALL * self._calls
        share = _QUIET_SHARE if self._ticks < budget else _OVER_BUDGET_SHARE
        longer = max(step, share * (self._now - self._last_change))
        return min(longer, max(step, self._breaker.retry_after or inf))

    def _oldest_in_flight(self) -> float | None:
        return min((start for _, _, start, _ in self._in_flight), default=None)

    @property
    def _needs_fine_steps(self) -> bool:
        """True if time must advance in the steps of a real service."""
        breaker = self._breaker
        limited = breaker.concurrency_limit < (breaker.settings.limiter.max_limit or inf)
        return breaker.triggered or limited or self._recorder.in_outage

    def _record_limit(self) -> None:
        """Record the active limit at the end of a bin."""
        limit = self._breaker.concurrency_limit
        self._lane.limit = limit if isfinite(limit) else None


def _end_time(start: float, duration: float) -> float:
    """Return the end of a call, such that rounding does not make the call longer than it was.

    Durations are often whole milliseconds, as thresholds are: a call just at the threshold is not
    above it.
    """
    end = start + duration
    return nextafter(end, 0.0) if end - start > duration else end
