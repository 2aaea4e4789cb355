"""Hang signal: calls that are in flight for longer than the latency threshold.

Such a call is slow already, before it ends. Ages of single calls are not kept, so their number is
a lower bound. While no call is answered in time, it is the larger of two:

- calls that began after the last answer, and a threshold ago at least: none of them has returned;
- calls in flight that began earlier, as of workers that all wait. Calls whose end nobody reports
  look the same once the others have ended, so these leave out what was in flight all the while
  others were answered. By Little's law, those that are answered keep as many places taken as
  seconds are spent in calls per second; what is in flight beyond that stays. The rest counts if it
  is no fewer than half of those places: else the others have ended, and the service is idle.

While calls are answered, only those count that `CallsLeftBehind` finds.
"""

from collections import deque
from math import inf, sqrt
from statistics import fmean
from typing import Final

from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.events.events import Evidence, Signal
from breakerd.breaker.signals.calls_left_behind import CallsLeftBehind, Sample

_RESOLUTION: Final = 32
"""Maximum number of samples per threshold."""
_SPAN: Final = 4
"""Thresholds for which samples are kept, so as to learn what stays in flight."""
LASTS_AFTER: Final = 2
"""Thresholds without a return after which a hang is no passing standstill."""
_MANY_TIMES: Final = 2.0
"""Multiple of the places that answered calls keep taken; what is beyond it at an answer stays."""
_MIN_SHARE: Final = 0.5
"""Share of the places that answered calls keep taken, below which calls in flight are no hang."""


class HangSignal:
    """Counts calls that hang. Updated on the tick, never by a call. Not thread-safe.

    Args:
        threshold: seconds after which a call in flight is slow.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.calls = 0
        """Calls that hang: a lower bound."""
        self.new_calls = 0
        """Those of them that began since `begin_generation`."""
        self.blocked = False
        """True if a limit lets no further call begin, and all in flight hang."""
        self._samples: deque[Sample] = deque()
        self._left_behind = CallsLeftBehind(threshold)
        self._in_flight = 0
        self._seconds = 0.0
        self._answered_at = self._returned_at = self._hangs_since = inf
        """Time of the last answer in time, of the last return, and since when calls hang."""
        self._now = -inf
        self._staying = self._staying_at_peak = 0.0
        """Calls that stay in flight while others are answered: at most so many, and about so many,
        which is precise enough once as many are in flight as ever before."""
        self._peak = 0
        """Maximum number of calls in flight while others were answered."""
        self._places = 0.0
        """Calls in flight, in the mean, of those that are answered."""
        self._long_before = self._before_answer = 0
        """Calls admitted a threshold before the last answer and earlier, and before the answer."""
        self._earlier = 0
        """Calls admitted in earlier generations."""
        self._begins = False

    @property
    def lasts(self) -> bool:
        """True if nothing has returned for two thresholds, or calls have hung for four.

        A callee that pauses answers late afterwards: the calls that end tell of it.
        """
        silent = self._now - self._returned_at >= LASTS_AFTER * self.threshold
        return silent or self._now - self._hangs_since >= 2 * LASTS_AFTER * self.threshold

    def returned(self) -> None:
        """Take out a call that has ended, and is slow: it counts as such until the next update."""
        self.calls, self.new_calls = max(0, self.calls - 1), max(0, self.new_calls - 1)

    def begin_generation(self) -> None:
        """Let only calls that begin from now on count as new."""
        self.new_calls, self.blocked, self._begins = 0, False, True
        self._left_behind.forget()

    def advance(self, now: float, delta: CallDelta, admitted: int, limit: float) -> None:
        """Add the calls since the last time.

        Args:
            now: time in seconds of the breaker's clock.
            delta: those calls.
            admitted: calls admitted since the breaker was made.
            limit: maximum number of calls in flight.
        """
        self._now, self._in_flight = now, delta.in_flight
        self._seconds += _seconds(delta, _SPAN * self.threshold)
        if self._begins:
            self._earlier, self._begins = admitted, False
        idle = not delta.in_flight
        if delta.ended or idle or self._returned_at == inf:
            self._returned_at = now
        sample = Sample(now, admitted, delta.in_flight, self._seconds)
        self._take(sample)
        if idle or self._answered_at == inf or _shortest(delta) <= self.threshold:
            self._answered_at = now
            self._learn(sample)
        self._count(sample, limit)

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

    def _count(self, sample: Sample, limit: float) -> None:
        now, before = sample.at, self._sample_by(sample.at - self.threshold)
        self.calls = self._calls(sample, before) if before else 0
        if not before or not self.calls:
            self.new_calls, self.blocked, self._hangs_since = 0, False, inf
            return
        self.new_calls = max(0, min(self.calls, before.admitted - self._earlier))
        self._hangs_since = min(self._hangs_since, now)
        all_hang = self.new_calls >= self._in_flight - self._staying
        self.blocked = self._in_flight >= max(1.0, limit) and all_hang and self.lasts

    def _calls(self, sample: Sample, before: Sample) -> int:
        if sample.at - self._answered_at < self.threshold:
            return self._left_behind.count(sample, before)
        older = sample.in_flight - (sample.admitted - before.admitted)
        since_answer = min(older, before.admitted - self._before_answer)
        staying = self._staying_at_peak if older >= self._peak else self._staying
        waiting = min(older - staying, before.admitted - self._long_before)
        if waiting < _MIN_SHARE * self._places:
            waiting = 0
        return round(max(0.0, since_answer, waiting))

    def _learn(self, sample: Sample) -> None:
        """Note at an answer which calls are not waited for."""
        before = self._sample_by(sample.at - self.threshold)
        self._long_before, self._before_answer = before.admitted if before else 0, sample.admitted
        first, last = self._samples[0], self._samples[-1]
        in_flight = [each.in_flight for each in self._samples]
        span = last.at - first.at
        self._places = (last.seconds - first.seconds) / span if span > 0 else 0.0
        mean = fmean(in_flight)
        beyond = mean - self._places if span > 0 else 0.0
        # Where calls are short, most of those in flight have stayed, though they began lately;
        # those that began since the last sample may hang.
        lately = self._samples[max(-2, -len(self._samples))].in_flight - _MANY_TIMES * self._places
        self._peak, fewest = max(in_flight), min(in_flight)
        self._staying_at_peak = max(0.0, lately, min(fewest, beyond))
        # Samples of calls that come in bursts vary: one standard deviation more.
        deviation = sqrt(max(0.0, fmean(n * n for n in in_flight) - mean * mean))
        self._staying = max(0.0, lately, min(fewest, beyond + deviation))

    def _take(self, sample: Sample) -> None:
        self._left_behind.take(sample)
        samples, span = self._samples, self.threshold
        if samples and sample.at - samples[-1].at < span / _RESOLUTION:
            return
        samples.append(sample)
        while len(samples) > 1 and samples[1].at <= sample.at - _SPAN * span:
            samples.popleft()

    def _sample_by(self, moment: float) -> Sample | None:
        """Return the last sample that was taken by `moment`; None if there is none."""
        return next((each for each in reversed(self._samples) if each.at <= moment), None)


def _seconds(delta: CallDelta, longest: float) -> float:
    """Return the seconds of the calls that ended; none counts for more than `longest`."""
    if not delta.durations:
        return min(delta.duration, longest * delta.ended)
    return fmean(min(seconds, longest) for seconds in delta.durations) * delta.ended


def _shortest(delta: CallDelta) -> float:
    """Return the seconds of the shortest call that ended; their mean, where only that is known."""
    if delta.durations:
        return min(delta.durations)
    return delta.duration / delta.ended if delta.ended else inf
