"""Which calls a candidate would have rejected, where nobody has asked it about each of them."""

from math import inf

from breakerd.breaker.engine.engine import Engine
from breakerd.breaker.engine.load_shedder import CallCounts
from breakerd.breaker.engine.recovering.phases import RecoveryPhase
from breakerd.breaker.states import HALF_OPEN, WATCHING

_ASKED = 8
"""Calls of a batch that are put to the engine one by one while it rejects: enough for the
rejections that it wants between two probes, and for the probes."""


class Verdicts:
    """Puts calls to an engine that they did not wait for. Not thread-safe.

    Args:
        engine: engine of the candidate, under `OBSERVE`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._remainder = 0.0
        self.opened_at = inf if engine.machine.decided in WATCHING else -inf
        """Time of the last trip; infinite before the first."""
        self.closed_at = -inf
        """Time of the last return to all calls."""

    def ask(self, now: float, traffic: CallCounts) -> bool:
        """Put one call to the engine; return True if it would have been rejected."""
        before = self._engine.would_reject
        self._engine.admit(now, traffic)
        return self._engine.would_reject > before

    def one(self, now: float, start: float, traffic: CallCounts) -> bool:
        """Return True if a call that began at `start` would have been rejected."""
        machine = self._engine.machine
        if machine.decided in WATCHING:
            earlier = self.opened_at <= start < self.closed_at
            return earlier or self._whole(self._limited_share(traffic)) == 1
        if start < machine.generation_started_at:
            return start >= self.opened_at
        return self.ask(now, traffic)

    def many(self, now: float, durations: list[float], traffic: CallCounts) -> int:
        """Return how many of these calls, which ended by `now`, would have been rejected."""
        machine, calls = self._engine.machine, len(durations)
        if machine.decided in WATCHING:
            share = self._limited_share(traffic)
            return self._earlier(now, durations) + self._whole(calls * share)
        age = now - self.opened_at
        if max(durations) > age:
            calls = sum(seconds <= age for seconds in durations)
        rejected = 0
        for asked in range(calls):
            if machine.decided in WATCHING:
                return rejected
            if asked == _ASKED or self._ramps:
                return rejected + self._whole((calls - asked) * self._rejecting_share)
            rejected += self.ask(now, traffic)
        return rejected

    def _earlier(self, now: float, durations: list[float]) -> int:
        """Return how many of them began while it was open, which is over now."""
        if max(durations) <= now - self.closed_at:
            return 0
        return sum(self.opened_at <= now - seconds < self.closed_at for seconds in durations)

    @property
    def _ramps(self) -> bool:
        machine = self._engine.machine
        return machine.decided is HALF_OPEN and machine.recovery.phase is not RecoveryPhase.PROBES

    @property
    def _rejecting_share(self) -> float:
        return 1.0 - (self._engine.machine.recovery.share if self._ramps else 0.0)

    def _limited_share(self, traffic: CallCounts) -> float:
        """Return the share of calls that the concurrency limit would reject.

        By Little's law, so many calls in flight as the limit are served with so much of the
        arrivals as the limit is of those in flight.
        """
        limit = self._engine.shedder.limit
        if limit == inf or traffic.in_flight <= limit:
            return 0.0
        return 1.0 - limit / traffic.in_flight

    def _whole(self, calls: float) -> int:
        """Return a number of calls as a whole; what is left over counts with the next ones."""
        self._remainder += calls
        whole = int(self._remainder)
        self._remainder -= whole
        return whole
