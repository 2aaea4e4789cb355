"""Choose how much of each slot is replayed, so that a replay takes a bounded number of calls.

Where so few calls are bad that no configuration can trip, none are replayed, but for some after a
bad time, in which breakers recover. Of the other slots all calls are replayed; if these are too
many, all calls of excerpts, the beginnings of bad times first.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, pairwise
from math import ceil, floor
from typing import Final, NamedTuple

from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.replay.binomial import tolerable_share
from breakerd.breaker.settings import Settings

_QUIET_RATE: Final = 0.2
"""Calls per second that are replayed of a quiet time after a bad one."""
_RECOVERY: Final = 240.0
"""Seconds of such a time, beside the waits of the configurations."""
_AROUND: Final = 30
"""Slots on each side over which the usual share of bad calls is measured."""
_EXCERPT: Final = 60.0
"""Seconds of an excerpt, and of quiet time before and after a bad one, in which windows fill."""
_EXCERPTS: Final = 8
"""Excerpts at least, into which the calls to replay are divided."""
_HEAVY: Final = 0.7
"""Severity from which a part is likely to trip."""
_LEAST: Final = 0.01
"""Severity of a slot in which something can trip, at least."""
_SHARES: Final = (0.25, 0.5, 1.0)
"""Largest shares of the work that is left, for each group of parts."""
_TICKS: Final = 2.0
"""Work of a second of time, in calls."""
_NEAR_MEMORY: Final = 1.0
"""Percentage points below the memory that is healthy again, from which memory is watched."""


class Portion(NamedTuple):
    """Part of a slot's calls.

    Attributes:
        stride: one of so many calls is replayed; 0 for none.
        weight: number of calls that each of them stands for.
    """

    stride: int = 1
    weight: int = 1


FULL: Final = Portion()
"""All calls."""
NONE: Final = Portion(0, 0)


def choose_portions(
    slots: Sequence[HistorySlot], settings: Iterable[Settings], most: int
) -> list[Portion]:
    """Return how much of each slot to replay.

    Args:
        slots: slots in the order of time.
        settings: the configurations.
        most: work, in calls, of the bad times that are replayed, about.
    """
    each_of = list(settings)
    severity = [max(each) for each in zip(*(_severity(slots, s) for s in each_of), strict=True)]
    chosen = [each > 0 for each in severity]
    busy = _widened(slots, chosen, before=_EXCERPT, after=_EXCERPT)
    waits = max(each.wait_time for each in each_of)
    recovery = _widened(slots, busy, before=0.0, after=_RECOVERY + 2 * waits)
    portions = [
        _thinned(slot) if near else NONE for slot, near in zip(slots, recovery, strict=True)
    ]
    for place, portion in _excerpts(slots, busy, severity, most):
        portions[place] = portion
    return portions


def _thinned(slot: HistorySlot) -> Portion:
    stride = max(1, ceil(slot.calls / max(1.0, _QUIET_RATE * slot.width)))
    return Portion(stride, stride)


# --- slots in which something can happen


def _severity(slots: Sequence[HistorySlot], settings: Settings) -> list[float]:
    """Return how bad each slot is, in multiples of what is tolerated; 0 if none can trip there."""
    tolerated = settings.tolerated_bad_share
    bad = [_bad_calls(slot, settings.slow_after) for slot in slots]
    calls = [slot.calls for slot in slots]
    bad_near, calls_near = _sums(bad, 1), _sums(calls, 1)
    windows = [_window(slot, settings) for slot in slots]
    least = [floor(tolerated * window) + 1 for window in windows]
    chance = [_usual_share(window, few) for window, few in zip(windows, least, strict=True)]
    crowded = [
        near >= max(1, few / 2) and near > share * every
        for near, few, share, every in zip(bad_near, least, chance, calls_near, strict=True)
    ]
    # What is usual is measured without the bad times.
    kept = [0 if many else number for many, number in zip(crowded, bad, strict=True)]
    usual, calls_around = _sums(kept, _AROUND), _sums(calls, _AROUND)
    memory = settings.memory_threshold - settings.memory_hysteresis - _NEAR_MEMORY
    severity: list[float] = []
    for place, slot in enumerate(slots):
        if slot.memory is not None and slot.memory * 100 >= memory:
            severity.append(1.0)
        elif crowded[place] or usual[place] > max(1, chance[place] * calls_around[place]):
            severity.append(max(_LEAST, bad_near[place] / max(1, calls_near[place]) / tolerated))
        else:
            severity.append(0.0)
    return severity


def _sums(values: Sequence[int], reach: int) -> list[int]:
    """Return the sum of each value and of so many on each side."""
    sums = [0, *accumulate(values)]
    last = len(values)
    return [
        sums[min(last, place + reach + 1)] - sums[max(0, place - reach)] for place in range(last)
    ]


def _bad_calls(slot: HistorySlot, limit: float) -> int:
    """Return the calls that failed, or may have taken longer than `limit` seconds."""
    first = bisect_left(slot.durations.edges, limit)
    return min(slot.calls, slot.failures + sum(slot.durations.counts()[first:]))


def _window(slot: HistorySlot, settings: Settings) -> int:
    """Return the calls that the window holds at the slot's rate, to a power of two."""
    held = min(settings.latency_window_size, int(slot.rate * settings.latency_max_age))
    return 1 << max(held, settings.minimum_calls, 1).bit_length() - 1


@cache
def _usual_share(window: int, least: int) -> float:
    """Return the share of bad calls up to which a window does not trip by chance."""
    return tolerable_share(window, min(least, window))


def _widened(
    slots: Sequence[HistorySlot], chosen: Sequence[bool], *, before: float, after: float
) -> list[bool]:
    """Return the chosen slots, with those of so many seconds before and after each."""
    wide = list(chosen)
    until = float("-inf")
    for place, slot in enumerate(slots):
        wide[place] |= slot.start < until
        until = slot.end + after if chosen[place] else until
    since = float("inf")
    for place in reversed(range(len(slots))):
        wide[place] |= slots[place].end > since
        since = slots[place].start - before if chosen[place] else since
    return wide


# --- excerpts


class _Excerpt(NamedTuple):
    places: range
    work: int
    severity: float
    first: bool
    """True if a bad time begins in it."""


def _excerpts(
    slots: Sequence[HistorySlot], busy: Sequence[bool], severity: Sequence[float], most: int
) -> Iterable[tuple[int, Portion]]:
    """Yield the portion of each busy slot."""
    largest = max(1, most // _EXCERPTS)
    parts = list(_divided(slots, busy, severity, largest))
    rest = most
    # What is least interesting comes first, and takes a share at most; the others take the rest.
    for group, share in zip(_groups(parts), _SHARES, strict=True):
        work = sum(part.work for part in group)
        keep = max(1, ceil(work / max(1.0, rest * share)))
        rest -= work // keep
        for number, part in enumerate(group):
            taken = number % keep == keep // 2
            for place in part.places:
                stride = max(1, ceil(slots[place].calls / largest))
                yield place, Portion(stride, stride * keep) if taken else NONE


def _groups(parts: Iterable[_Excerpt]) -> tuple[list[_Excerpt], ...]:
    """Return the parts that hardly trip, those amid bad times, and those in which these begin."""
    light: list[_Excerpt] = []
    later: list[_Excerpt] = []
    first: list[_Excerpt] = []
    before = 0.0
    for part in parts:
        if part.severity < _HEAVY:
            light.append(part)
        elif part.first or before < _HEAVY:
            first.append(part)
        else:
            later.append(part)
        before = part.severity
    return light, later, first


def _divided(
    slots: Sequence[HistorySlot],
    busy: Sequence[bool],
    severity: Sequence[float],
    largest: int,
) -> Iterable[_Excerpt]:
    """Yield the busy slots in parts of `_EXCERPT` seconds, or of fewer, with `largest` work."""
    edges = [place for place in range(len(slots) + 1) if _is_edge(busy, place)]
    for begin, end in pairwise(edges):
        if not busy[begin]:
            continue
        first = place = begin
        while place < end:
            work, until = 0, slots[place].start + _EXCERPT
            while place < end and slots[place].start < until and work < largest:
                calls = min(slots[place].calls, largest)
                work += calls + round(_TICKS * slots[place].width)
                place += 1
            places = range(first, place)
            yield _Excerpt(places, work, max(severity[p] for p in places), first == begin)
            first = place


def _is_edge(busy: Sequence[bool], place: int) -> bool:
    return place in {0, len(busy)} or busy[place] is not busy[place - 1]
