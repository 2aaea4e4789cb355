"""Ramp of an episode: which share of all calls the members admit, and when the episode ends.

The share grows as results come in, as TCP's window does in slow start (Jacobson 1988), up to what
Little's law (1961) allows: no more calls in flight than twice the usual number, at the duration
that calls have now. So a dependency that is cold, slow or short of capacity gets what it can serve, and
one that is well gets all calls back in a few steps. Pure: all from the pooled sums.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from breakerd.breaker.fleet.episode import RAMP, Episode, Trouble, closed, opened, ramping
from breakerd.breaker.fleet.evidence import accepts_outage
from breakerd.breaker.fleet.messages import PoolSlot, PoolView

FIRST_SHARE: Final = 0.1
"""Share of the calls that a first good probe admits."""
_GROWTH: Final = 2.0
"""Factor by which the share grows in a step."""
_STEP: Final = 0.5
"""Least seconds between two steps."""
_PATIENCE: Final = 3.0
"""Seconds after which it grows without results: calls are rare."""
_HELD: Final = 1.0
"""Seconds for which all calls must have passed, before the episode ends."""
_SLACK: Final = 2.0
"""Multiple of the usual number of calls in flight that are let in."""
_NO_QUEUE: Final = 3.0
"""Calls in flight that are never too many."""
_TOO_MANY_FAIL: Final = 0.25
"""Share of failed calls from which on the ramp goes back."""
_BACK: Final = 0.6
"""Factor by which it goes back."""
_SETTLE: Final = 2.0
"""Seconds until the results of a step back are seen."""
_LEAST_SHARE: Final = 0.01


class _Recent(NamedTuple):
    """Sums of the newest slots."""

    calls: int
    failures: int
    all_calls: int
    offered: int
    busy: float
    seconds: float

    @property
    def failure_share(self) -> float:
        return self.failures / self.calls if self.calls else 0.0


def next_step(view: PoolView, episode: Episode, now: float) -> Episode | None:
    """Return the ramp's next step at hub time `now`; None if none is due."""
    if episode.phase != RAMP:
        return None
    recent, age = _recent(view.slots, episode, now), now - episode.since
    if accepts_outage(recent.failures, recent.calls, recent.calls / recent.seconds):
        found = Trouble(recent.failures, recent.calls, int(now // 1))
        return opened(episode, now, found)
    if recent.failure_share >= _TOO_MANY_FAIL and recent.calls >= 4:
        share = max(_LEAST_SHARE, episode.share * _BACK)
        return ramping(episode, now, share) if age >= _SETTLE else None
    if episode.share >= 1.0:
        return closed(episode, now) if age >= _HELD else None
    if age < _STEP or (recent.all_calls == 0 and age < _PATIENCE):
        return None
    share = min(1.0, episode.share * _GROWTH, sustainable(episode, recent))
    return ramping(episode, now, share) if share != episode.share else None


def sustainable(episode: Episode, recent: _Recent) -> float:
    """Return the share at which no more than a multiple of the usual calls are in flight."""
    if not (episode.usual_milli and recent.all_calls and recent.offered):
        return 1.0
    seconds = recent.busy / recent.all_calls
    wanted = recent.offered / recent.seconds * seconds
    allowed = max(_NO_QUEUE, _SLACK * episode.usual_milli / 1000)
    return max(_LEAST_SHARE, allowed / max(wanted, 1e-6))


def _recent(slots: Sequence[PoolSlot], episode: Episode, now: float) -> _Recent:
    newest = int(now // 1)
    begin = max(newest - 2.0, episode.opened)
    latest = [slot for slot in slots if newest - 2 <= slot.number <= newest]
    return _Recent(
        calls=sum(s.calls for s in latest),
        failures=sum(s.failures for s in latest),
        all_calls=sum(s.all_calls for s in latest),
        offered=sum(s.offered for s in latest),
        busy=sum(s.busy_ms for s in latest) / 1000,
        seconds=max(0.5, now - begin),
    )
