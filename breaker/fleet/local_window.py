"""Recent calls of one breaker in this process, in seconds of the hub's clock.

Fed once a tick, so that no call is slower for it. A call counts for the second in which it began,
so that those which began before a trouble do not speak against it; but for none longer ago than two
seconds, so that calls which hang are evidence of now. Pure: the time is passed in. The breaker's
lock must be held.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, inf
from typing import Final

from breakerd.breaker.baseline.ddsketch import BucketLayout
from breakerd.breaker.calls.totals import CallDelta
from breakerd.breaker.calls.window import SlidingWindow
from breakerd.breaker.fleet.messages import WINDOW_SLOTS, Slot, Totals

SKETCH: Final = BucketLayout(0.001, 120.0, 0.15)
"""Buckets of durations in seconds, as all members have them."""
_LONGEST: Final = 2.0
"""Seconds ago at which a call may have begun to count for that second."""
_USUAL_SPAN: Final = 60.0
"""Seconds over which the usual number of calls in flight is learnt."""
_ENOUGH_WEIGHT: Final = 0.2
"""Weight from which on it is known: after about 13 s."""


@dataclass(slots=True)
class _Tally:
    """Counts of one slot; the first two begin anew with each generation."""

    calls: int = 0
    failures: int = 0
    offered: int = 0
    busy: float = 0.0
    ended: int = 0
    slow: int = 0
    above: int = 0
    all_ended: int = 0
    errors: int = 0
    timed_out: int = 0
    abandoned: int = 0
    rejected: int = 0
    sketch: dict[int, int] = field(default_factory=dict)


class LocalWindow:
    """Calls of the last seconds, by slot.

    Args:
        hub_time: returns the hub's time, as far as it is known, for a time of the breaker's clock.
    """

    def __init__(self, hub_time: Callable[[float], float]) -> None:
        self._hub_time = hub_time
        self._slots: dict[int, _Tally] = {}
        self._seen: int | None = None
        """Calls that the breaker's window had taken at the last tick."""
        self.busy = 0.0
        """Seconds that all calls have taken together."""
        self.long = inf
        """Seconds from which on a call is slow."""
        self.threshold = inf
        """Seconds above which a successful call is one above the latency threshold."""
        self.latest = 0.0
        """Seconds that the call took which ended last."""

    def add(self, now: float, delta: CallDelta, window: SlidingWindow) -> None:
        """Take the calls of a tick; see `CallMeter`."""
        self.read(now, window)
        if not (delta.ended or delta.admitted or delta.rejected):
            return
        self.busy += delta.duration
        tally = self._tally(now)
        tally.offered += delta.admitted + delta.rejected
        tally.all_ended += delta.ended
        tally.errors += delta.errors
        tally.timed_out += delta.late
        tally.abandoned += delta.abandoned
        tally.rejected += delta.rejected
        self._drop(int(self._hub_time(now) // 1))

    def read(self, now: float, window: SlidingWindow) -> None:
        """Take the calls that have come into the breaker's window since the last time."""
        seen, self._seen = self._seen, window.total
        newest = window.newest(window.total - seen) if seen is not None else []
        if newest:
            self.latest = newest[0][1]
        for end, seconds, failed in newest:
            self._count(now, end, seconds, failed=failed)

    def _count(self, now: float, end: float, seconds: float, *, failed: bool) -> None:
        """Count a call that ended in its generation, unless it is of a snapshot or a drill."""
        if not now - WINDOW_SLOTS < end <= now:
            return
        tally = self._tally(max(end - seconds, now - _LONGEST))
        tally.calls += 1
        tally.failures += failed
        tally = self._tally(end)
        bucket = SKETCH.index(seconds)
        tally.sketch[bucket] = tally.sketch.get(bucket, 0) + 1
        tally.slow += seconds > self.long
        if not failed:
            tally.ended += 1
            tally.busy += seconds
            tally.above += seconds > self.threshold

    def _tally(self, moment: float) -> _Tally:
        number = int(self._hub_time(moment) // 1)
        found = self._slots.get(number)
        if found is None:
            found = self._slots[number] = _Tally()
        return found

    def begin_generation(self) -> None:
        """Let what was counted until now be evidence of nothing any more."""
        for tally in self._slots.values():
            tally.calls = tally.failures = 0

    def since(self, number: int) -> tuple[int, int]:
        """Return (calls, failures) from that slot on."""
        tallies = [tally for slot, tally in self._slots.items() if slot >= number]
        return sum(t.calls for t in tallies), sum(t.failures for t in tallies)

    def slots(self, now: float) -> tuple[Slot, ...]:
        """Return the slots that hold evidence, oldest first."""
        self._drop(int(self._hub_time(now) // 1))
        return tuple(
            Slot(number, t.calls, t.failures, t.offered, round(1000 * t.busy), t.ended, t.slow)
            for number, t in sorted(self._slots.items())
            if t.calls or t.offered or t.ended or t.slow
        )

    def totals(self, *, usual: float, in_flight: int) -> Totals:
        """Return the sums of the window, with the usual and the present number in flight."""
        tallies = self._slots.values()
        return Totals(
            calls=sum(t.all_ended for t in tallies),
            failures=sum(t.errors for t in tallies),
            slow=sum(t.above for t in tallies),
            timed_out=sum(t.timed_out for t in tallies),
            abandoned=sum(t.abandoned for t in tallies),
            rejected=sum(t.rejected for t in tallies),
            usual_milli=round(1000 * usual),
            in_flight=in_flight,
        )

    def sketch(self) -> tuple[int, ...]:
        """Return the durations of the window: the first bucket, then the count of each."""
        counts: dict[int, int] = {}
        for tally in self._slots.values():
            for bucket, count in tally.sketch.items():
                counts[bucket] = counts.get(bucket, 0) + count
        if not counts:
            return ()
        first, last = min(counts), max(counts)
        return (first, *(counts.get(bucket, 0) for bucket in range(first, last + 1)))

    def wanted(self, now: float) -> float:
        """Return the calls per second that were wanted lately, rejected or not."""
        newest = int(self._hub_time(now) // 1)
        recent = [tally for number, tally in self._slots.items() if number > newest - WINDOW_SLOTS]
        return sum(t.all_ended + t.rejected for t in recent) / WINDOW_SLOTS

    def _drop(self, newest: int) -> None:
        for number in [n for n in self._slots if not newest - WINDOW_SLOTS < n <= newest]:
            del self._slots[number]


class UsualLoad:
    """Usual number of calls in flight, by Little's law: the seconds that calls take in a second."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._busy = 0.0
        self._sum = self._weight = 0.0

    @property
    def in_flight(self) -> float:
        """Return the mean number of calls in flight while all was well; 0 if it is not known."""
        return self._sum / self._weight if self._weight >= _ENOUGH_WEIGHT else 0.0

    def update(self, now: float, busy: float, *, learn: bool) -> None:
        """Take the seconds that all calls have taken until `now`; `learn` unless in trouble."""
        before, self._at = self._at, now
        seconds, self._busy = busy - self._busy, busy
        if before is None or now <= before or not learn:
            return
        kept = exp((before - now) / _USUAL_SPAN)
        self._sum = self._sum * kept + seconds / (now - before) * (1 - kept)
        self._weight = self._weight * kept + 1 - kept
