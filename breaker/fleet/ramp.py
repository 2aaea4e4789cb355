"""Ramp of an episode: which share of all calls the members admit, and when the episode ends.

The share grows as results come in, as TCP's window does in slow start (Jacobson 1988). While calls
are slow in most members, it is held to what Little's law (1961) allows: no more of them in flight
than twice the usual number. So a dependency that is cold, slow or short of capacity gets what it
can serve; one that is well gets all calls back at once. Pure: all from the pooled sums.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from breakerd.breaker.fleet.episode import OVERLOAD, RAMP, Episode, Trouble, closed, opened, ramping
from breakerd.breaker.fleet.evidence import accepts_outage
from breakerd.breaker.fleet.messages import PoolSlot, PoolView

_QUICK_SHARE: Final = 0.35
"""Share of the calls that the first good probe admits, if it was quick ..."""
_QUICK_DOUBLING: Final = 0.5
"""... and the seconds in which the share then doubles."""
_SLOW_SHARE: Final = 0.1
"""Share that it admits otherwise: further ones follow results."""
LONG: Final = 0.25
"""Share of the time-out from which on a call is slow."""
_OVERLOADED: Final = 0.5
"""Share of the time-out from which on calls that queue begin an episode."""
_GROWTH: Final = 2.0
"""Factor by which the share may exceed what was answered lately, and grow in a step."""
_CAREFUL_GROWTH: Final = 1.5
"""The same after an overload, which comes back with the calls."""
_DRAINED_AT: Final = 0.5
"""Share of what is answered that is let in at least while a queue goes down."""
_STEP: Final = 0.5
"""Least seconds between two steps."""
_PATIENCE: Final = 3.0
"""Seconds after which it grows without results: calls are rare."""
_HELD: Final = 1.0
"""Seconds for which all calls must have passed, before the episode ends."""
_HELD_OVERLOAD: Final = 10.0
"""Seconds after an overload, which so is seen at once if it comes back."""
_SLACK: Final = 2.0
"""Multiple of the usual number of calls in flight that are let in while they take long ..."""
_OVERLOAD_SLACK: Final = 2.5
"""... and in an overload, where nothing is cold."""
_NO_QUEUE: Final = 3.0
"""Calls in flight that are never too many."""
_TOO_MANY_FAIL: Final = 0.5
"""Share of failed calls from which on the ramp goes back."""
_BACK: Final = 0.5
"""Least factor of a step back ..."""
_SETTLE: Final = 1.0
"""... and the least seconds before it, in which the step before is seen."""
_AS_USUAL: Final = 1.5
"""Multiple of the usual duration up to which calls are quick on average, ..."""
_PROBE_AS_USUAL: Final = 2.0
"""... and up to which a single probe is."""
_ENOUGH: Final = 3
"""Calls by which it is seen that they are quick."""
_NOTABLE: Final = 0.05
"""Least change of the share that is worth a step."""
_DRAIN: Final = 4.0
"""Time-outs after the beginning of an overload for which calls that had queued may fail."""
_SILENCE: Final = 2.5
"""Time-outs after which it is down all the same, if none succeeds ..."""
_FRUITLESS: Final = 6
"""... of so many."""
_LEAST_SHARE: Final = 0.01
_SPAN: Final = 2
"""Slots before the present one that are looked at."""


class Load(NamedTuple):
    """Calls of a scope over the last seconds.

    Attributes:
        calls: capped calls that count in the generation.
        failures: those of them that failed.
        offered: calls per second that were admitted or rejected.
        ended: calls that succeeded in the newest two seconds.
        answered: calls per second that succeeded.
        duration: seconds that these took on average.
        in_flight: calls in flight.
        widespread: True if calls are slow in most members, and not in some only.
        usual: usual number of calls in flight; 0 if it is not known.
        allowed: calls that may be in flight while they take long.
        timeout: seconds after which an answer is of no use.
    """

    calls: int
    failures: int
    offered: float
    ended: int
    answered: float
    duration: float
    in_flight: int
    widespread: bool
    usual: float
    allowed: float
    timeout: float

    @property
    def latency(self) -> float:
        """Return the seconds that a call takes now, those in flight included, by Little's law."""
        if self.in_flight <= self.allowed:
            return self.duration
        return max(self.duration, min(self.timeout, self.in_flight / max(self.answered, 0.1)))

    @property
    def sustainable(self) -> float:
        """Return the share of the calls that keeps no more than the allowed number in flight."""
        if not (self.widespread and self.offered and self.latency > LONG * self.timeout):
            return 1.0
        return min(1.0, max(_LEAST_SHARE, self.allowed / (self.offered * self.latency)))

    @property
    def usual_seconds(self) -> float:
        """Return the seconds that a call usually takes; infinite if that is not known."""
        return self.usual / self.offered if self.usual and self.offered else inf

    @property
    def quick(self) -> bool:
        """Return True if calls come back about as quickly as usual, so that all may be let in."""
        limit = min(LONG * self.timeout, _AS_USUAL * self.usual_seconds)
        return self.ended >= _ENOUGH and self.duration <= limit and self.sustainable == 1.0


def load_of(view: PoolView, episode: Episode, timeout: float, now: float) -> Load:
    """Return the load that the sums show at hub time `now`, beside what was usual before."""
    newest = int(now // 1)
    latest = [slot for slot in view.slots if newest - _SPAN <= slot.number <= newest]
    now_slots = [slot for slot in latest if slot.number >= newest - 1]
    seconds = now - (newest - _SPAN)
    ended = sum(s.ended for s in latest)
    succeeded = sum(s.ended for s in now_slots)
    usual = episode.usual_milli / 1000
    slack = _OVERLOAD_SLACK if episode.reason == OVERLOAD else _SLACK
    return Load(
        calls=sum(s.calls for s in latest),
        failures=sum(s.failures for s in latest),
        offered=sum(s.offered for s in latest) / seconds,
        ended=succeeded,
        answered=ended / seconds,
        duration=sum(s.busy_ms for s in now_slots) / 1000 / max(1, succeeded),
        in_flight=view.totals.in_flight,
        widespread=_is_widespread(now_slots),
        usual=usual,
        allowed=max(_NO_QUEUE, slack * usual),
        timeout=timeout,
    )


def _is_widespread(slots: Sequence[PoolSlot]) -> bool:
    """Return True if calls are slow in most of two or more members."""
    several = max((slot.slow_members for slot in slots), default=0) >= 2
    return several and 2 * sum(s.slow_members for s in slots) > sum(s.active for s in slots)


def first_step(
    view: PoolView, episode: Episode, seconds: float, timeout: float, now: float
) -> Episode:
    """Return the episode after a good probe that took so many seconds."""
    load = load_of(view, episode, timeout, now)
    if seconds > min(LONG * timeout, _PROBE_AS_USUAL * load.usual_seconds):
        return ramping(episode, now, _SLOW_SHARE)
    return ramping(episode, now, _QUICK_SHARE, _QUICK_DOUBLING * 2.0**episode.relapses)


def find_overload(view: PoolView, before: Episode, timeout: float, now: float) -> Episode | None:
    """Return an episode that begins with a share of the calls; None if they do not queue."""
    usual = view.totals.usual_milli
    found = Trouble(view.totals.in_flight, 0, int(now // 1), usual, OVERLOAD)
    load = load_of(view, opened(before, now, found), timeout, now)
    queueing = load.in_flight > load.allowed and load.latency >= _OVERLOADED * timeout
    if not (queueing and usual and load.sustainable < 1.0):
        return None
    return opened(before, now, found._replace(units=round(load.allowed)), load.sustainable)


def next_step(view: PoolView, episode: Episode, timeout: float, now: float) -> Episode | None:
    """Return the ramp's next step at hub time `now`; None if none is due."""
    if episode.phase != RAMP:
        return None
    load, age = load_of(view, episode, timeout, now), now - episode.since
    if _is_down(load, episode, now):
        return opened(episode, now, Trouble(load.failures, load.calls, int(now // 1)))
    if age < _STEP:
        return None
    overload, share = episode.reason == OVERLOAD, episode.share_at(now)
    growth = _CAREFUL_GROWTH if overload else _GROWTH
    wanted = _wanted_share(load, share, growth, age)
    if share >= 1.0 and wanted >= 1.0:
        held = _HELD_OVERLOAD if overload else _HELD + episode.doubling
        return closed(episode, now) if age >= held else None
    if wanted >= share and load.quick and not overload:
        quick = ramping(episode, now, share, _QUICK_DOUBLING * 2.0**episode.relapses)
        return None if episode.doubling else quick
    return ramping(episode, now, wanted) if abs(wanted - share) > _NOTABLE * share else None


def _is_down(load: Load, episode: Episode, now: float) -> bool:
    """Return True if nearly all calls fail, and not only those that had queued before the ramp."""
    if episode.reason == OVERLOAD and now - episode.opened < _DRAIN * load.timeout:
        fruitless = load.calls >= _FRUITLESS and load.failures == load.calls
        return fruitless and now - episode.opened >= _SILENCE * load.timeout
    return accepts_outage(load.failures, load.calls, load.calls / (_SPAN + 1))


def _wanted_share(load: Load, share: float, growth: float, age: float) -> float:
    if load.calls >= 4 and load.failures >= _TOO_MANY_FAIL * load.calls:
        return max(_LEAST_SHARE, share * _BACK)
    answered = load.answered / load.offered if load.offered else 0.0
    # A queue is to go down, and not to stand empty then.
    wanted = max(load.sustainable, _DRAINED_AT * answered)
    if wanted <= share:
        return max(wanted, share * _BACK) if age >= _SETTLE else share
    if not load.offered or age >= _PATIENCE:
        return min(wanted, share * growth)
    return min(wanted, share * growth, max(share, answered * _GROWTH))
