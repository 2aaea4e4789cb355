"""Test of pooled evidence: is the trouble everybody's, or only of some members, hosts or zones?

The unit of evidence is a member in one second: it had calls, and most of them failed or not. So a
busy member counts no more than a quiet one. Wald's sequential test (1945) is that of a single
breaker's failure streak, on units in place of calls: "almost every unit is in trouble" against two
alternatives, *as many as usual* (chance may claim that once an hour) and *half of them*. It has to
accept by number of units and by capped traffic, and at each level with two or more units most of
these must be in trouble. Else the trouble is local, and stays where it is.

Trouble begins at some moment, so the newest second alone is tested, the newest two, and so on.
"""

from collections.abc import Sequence
from math import log
from typing import Final

from breakerd.breaker.fleet.episode import Trouble
from breakerd.breaker.fleet.messages import PoolSlot, PoolView

_BAD_IN_OUTAGE: Final = 0.95
"""Share of the units that are in trouble in an outage."""
_BAD_OFTEN: Final = 0.5
"""Share of the second alternative: then the others are better off with their own verdicts."""
_BAD_USUALLY: Final = 0.2
"""Share of the first alternative: one call in five fails."""
_BESIDE_THE_WORST: Final = 2
"""Failed calls that the worst member must not be alone with."""
_MAX_FALSE_ALARM_RATE: Final = 1 / 3600
"""Maximum false alarms per second: one an hour."""
_CAUTION: Final = 1.2
"""Factor of the required odds against the second alternative per logarithm of the rate."""


def find_trouble(view: PoolView, now: float) -> Trouble | None:
    """Return the trouble that the sums show at hub time `now`; None if they show none."""
    newest = int(now // 1)
    slots = [slot for slot in view.slots if slot.number <= newest]
    if not slots or sum(worst.failures for worst in view.worst[1:]) < _BESIDE_THE_WORST:
        return None
    seconds = max(1, newest - slots[0].number + 1)
    rates = (sum(s.members for s in slots) / seconds, sum(s.calls for s in slots) / seconds)
    for count in range(1, len(slots) + 1):
        latest = slots[-count:]
        if _in_trouble(latest, *rates):
            return Trouble(
                bad=sum(slot.bad_members for slot in latest),
                units=sum(slot.members for slot in latest),
                first_slot=latest[0].number,
                usual_milli=view.totals.usual_milli,
            )
    return None


def accepts_outage(bad: float, units: float, rate: float) -> bool:
    """Return True if `bad` of `units` show an outage, where so many units come in a second."""
    against_half = _log_odds(_BAD_OFTEN, bad, units - bad)
    against_usual = _log_odds(_BAD_USUALLY, bad, units - bad)
    rate = max(rate, 0.1)
    return against_half >= _CAUTION * log(1 + 2 * rate) and against_usual >= log(
        rate / _MAX_FALSE_ALARM_RATE
    )


def _in_trouble(slots: Sequence[PoolSlot], members_rate: float, calls_rate: float) -> bool:
    bad, members = sum(s.bad_members for s in slots), sum(s.members for s in slots)
    failures, calls = sum(s.failures for s in slots), sum(s.calls for s in slots)
    return (
        accepts_outage(bad, members, members_rate)
        and accepts_outage(failures, calls, calls_rate)
        and _most([(s.bad_hosts, s.hosts) for s in slots])
        and _most([(s.bad_zones, s.zones) for s in slots])
    )


def _most(units: Sequence[tuple[int, int]]) -> bool:
    """Return True if most units of a level are in trouble, or the level has a single unit."""
    if max(all_of for _, all_of in units) < 2:
        return True
    return 2 * sum(bad for bad, _ in units) > sum(all_of for _, all_of in units)


def _log_odds(share: float, bad: float, good: float) -> float:
    """Return the logarithm of the odds of an outage against a share of `share` in trouble."""
    return bad * log(_BAD_IN_OUTAGE / share) + good * log((1 - _BAD_IN_OUTAGE) / (1 - share))
