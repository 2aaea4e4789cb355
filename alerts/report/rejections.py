"""Rejected calls of a breaker, and what they would have met. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from breakerd.alerts.report.report import RejectedCalls
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot
from breakerd.breaker.states import State

_REJECTING: Final = {State.OPEN, State.HALF_OPEN, State.FORCED_OPEN}


def rejected_calls(slots: Sequence[HistorySlot], ended: float = float("inf")) -> RejectedCalls:
    """Return the rejected calls of these slots, oldest first.

    The slot in which the breaker began to reject also holds the calls that made it trip. They are
    not among those that were let through, nor are those of the slot in which it was well again.

    Args:
        slots: slots of the time in which it was not well.
        ended: when it was well again, in seconds since the epoch.
    """
    rejecting = [slot for slot in slots if slot.rejections]
    reasons, priorities = Counter[str](), Counter[str]()
    for slot in rejecting:
        reasons.update(slot.rejected)
        priorities.update(slot.rejected_by_priority)
    let_through = [slot for slot in _after_the_first(slots) if slot.end <= ended]
    durations = DurationSketch()
    for slot in let_through:
        durations.merge(slot.durations)
    median = durations.percentile(0.5)
    return RejectedCalls(
        calls=sum(reasons.values()),
        by_reason=dict(reasons),
        by_priority=dict(priorities),
        let_through=sum(slot.calls for slot in let_through),
        let_through_bad=sum(map(_bad, let_through)),
        let_through_median_ms=None if median is None else round(median * 1000, 1),
        would_have_been_bad=_estimate(rejecting, let_through),
    )


def _after_the_first(slots: Sequence[HistorySlot]) -> Iterator[HistorySlot]:
    """Yield the slots in which it rejects, or would, and in whose predecessor it did, too."""
    before = False
    for slot in slots:
        now = bool(slot.rejections) or slot.state in _REJECTING
        if now and before:
            yield slot
        before = now


def _estimate(rejecting: Sequence[HistorySlot], let_through: Sequence[HistorySlot]) -> int | None:
    """Return how many of the rejected would have been bad, as those let through nearest before.

    Before the first of these, as the first.
    """
    shares = [(slot.start, _bad(slot) / slot.calls) for slot in let_through if slot.calls]
    if not shares:
        return None
    share, total = shares[0][1], 0.0
    for slot in rejecting:
        while shares and shares[0][0] <= slot.start:
            share = shares.pop(0)[1]
        total += slot.rejections * share
    return round(total)


def _bad(slot: HistorySlot) -> int:
    """Return the calls that failed, were slow or were late. One that was both may count twice."""
    return min(slot.calls, slot.failures + max(slot.slow, slot.timed_out))
