"""Hang signal: calls that are in flight for longer than the latency threshold.

Such a call is slow already, before it ends. Ages of single calls are not kept, so their number is
a lower bound: of the calls in flight, as many as were not admitted within the last threshold. It
counts only while no call is answered in time, and leaves out

- calls that have been in flight all the while others were answered: they are lost, or long by
  nature. By Little's law, those that are answered keep as many places taken as seconds are spent in
  calls per second; what is in flight beyond that stays;
- calls that began long before the last answer: on a quiet service, long calls are more of those in
  flight than of all calls.
"""

from collections import deque
from math import inf
from typing import Final, NamedTuple

from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.events.events import Evidence, Signal

_RESOLUTION: Final = 32
"""Maximum number of samples per threshold."""
_SPAN: Final = 4
"""Thresholds for which samples are kept, so as to learn what stays in flight."""
LASTS_AFTER: Final = 2
"""Thresholds without an answer in time after which a hang is no passing standstill."""


class _Sample(NamedTuple):
    """Counts at one moment; `seconds` is the time spent in all calls that have ended."""

    at: float
    admitted: int
    in_flight: int
    seconds: float


class HangSignal:
    """Counts calls that hang. Updated on the tick, never by a call. Not thread-safe.

    Args:
        threshold: seconds after which a call in flight is slow.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.calls = 0
        """Calls that hang: a lower bound, 0 while calls are answered in time."""
        self.new_calls = 0
        """Those of them that began since `begin_generation`."""
        self.blocked = False
        """True if a limit lets no further call begin, and all in flight hang."""
        self._samples: deque[_Sample] = deque()
        self._in_flight = 0
        self._seconds = 0.0
        self._answered_at = self._returned_at = self._hangs_since = inf
        """Time of the last answer in time, of the last return, and since when calls hang."""
        self._now = -inf
        self._staying = 0.0
        """Calls that stay in flight while others are answered."""
        self._long_before = 0
        """Calls admitted a threshold before the last answer, and earlier."""
        self._earlier = 0
        """Calls admitted in earlier generations."""
        self._begins = False

    @property
    def lasts(self) -> bool:
        """True if no call has been answered in time for two thresholds."""
        return self._now - self._answered_at >= LASTS_AFTER * self.threshold

    def begin_generation(self) -> None:
        """Let only calls that begin from now on count as new."""
        self.new_calls, self.blocked, self._begins = 0, False, True

    def advance(self, now: float, delta: CallDelta, admitted: int, limit: float) -> None:
        """Add the calls since the last time.

        Args:
            now: time in seconds of the breaker's clock.
            delta: those calls.
            admitted: calls admitted since the breaker was made.
            limit: maximum number of calls in flight.
        """
        self._now, self._in_flight = now, delta.in_flight
        self._seconds += delta.duration
        if self._begins:
            self._earlier, self._begins = admitted, False
        idle = not delta.in_flight
        if delta.ended or idle or self._returned_at == inf:
            self._returned_at = now
        self._take(_Sample(now, admitted, delta.in_flight, self._seconds))
        if idle or self._answered_at == inf or _shortest(delta) <= self.threshold:
            self._answered_at = now
            self._learn(now)
        self._count(now, admitted, limit)

    def forget_call(self) -> None:
        """Count one call less until the next tick: it has ended, and is in the window now."""
        self.calls = max(0, self.calls - 1)
        self.new_calls = max(0, self.new_calls - 1)

    def evidence(self) -> Evidence:
        """Return the evidence of the calls that hang now."""
        waiting = max(0.0, self._now - self._returned_at)
        oldest = self.threshold
        if waiting >= oldest and self._hangs_since < inf:
            oldest += self._now - max(self._hangs_since, self._returned_at + oldest)
        return Evidence(
            signal=Signal.LATENCY,
            value=round(oldest * 1000, 3),
            threshold=round(self.threshold * 1000, 3),
            unit="ms",
            samples=self.calls,
            detail={
                "hung_calls": self.calls,
                "in_flight": self._in_flight,
                "oldest_at_least_s": round(oldest, 3),
                "last_return_s": round(waiting, 3),
            },
        )

    def _count(self, now: float, admitted: int, limit: float) -> None:
        before = self._admitted_by(now - self.threshold)
        if now - self._answered_at < self.threshold or before is None:
            self.calls, self.new_calls, self.blocked, self._hangs_since = 0, 0, False, inf
            return
        older = self._in_flight - (admitted - before) - self._staying
        self.calls = int(max(0.0, min(older, before - self._long_before)))
        self.new_calls = max(0, min(self.calls, before - self._earlier))
        self._hangs_since = min(self._hangs_since, now) if self.calls else inf
        all_hang = self.new_calls >= self._in_flight - self._staying
        self.blocked = self._in_flight >= max(1.0, limit) and all_hang and self.lasts

    def _learn(self, now: float) -> None:
        """Note at an answer which calls are not waited for."""
        self._long_before = self._admitted_by(now - self.threshold) or 0
        first, last = self._samples[0], self._samples[-1]
        seconds = last.at - first.at
        answered = (last.seconds - first.seconds) / seconds if seconds > 0 else inf
        self._staying = max(0.0, min(sample.in_flight for sample in self._samples) - answered)

    def _take(self, sample: _Sample) -> None:
        samples, span = self._samples, self.threshold
        if samples and sample.at - samples[-1].at < span / _RESOLUTION:
            return
        samples.append(sample)
        while len(samples) > 1 and samples[1].at <= sample.at - _SPAN * span:
            samples.popleft()

    def _admitted_by(self, moment: float) -> int | None:
        """Return how many calls were admitted by `moment`, at least; None if that is unknown."""
        for sample in reversed(self._samples):
            if sample.at <= moment:
                return sample.admitted
        return None


def _shortest(delta: CallDelta) -> float:
    """Return the seconds of the shortest call that ended; their mean, where only that is known."""
    if delta.durations:
        return min(delta.durations)
    return delta.duration / delta.ended if delta.ended else inf
