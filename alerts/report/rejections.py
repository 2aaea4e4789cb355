"""Rejected calls of a breaker, and what they would have met. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from breakerd.alerts.report.report import RejectedCalls
from breakerd.breaker.history.sketch import DurationSketch
from breakerd.breaker.history.slot import HistorySlot


def rejected_calls(slots: Sequence[HistorySlot]) -> RejectedCalls:
    """Return the rejected calls of these slots, oldest first.

    The slot in which the breaker began to reject also holds the calls that made it trip. They are
    not among those that were let through.
    """
    rejecting = [slot for slot in slots if slot.rejections]
    reasons, priorities = Counter[str](), Counter[str]()
    for slot in rejecting:
        reasons.update(slot.rejected)
        priorities.update(slot.rejected_by_priority)
    let_through = list(_after_the_first(slots))
    durations = DurationSketch()
    for slot in let_through:
        durations.merge(slot.durations)
    median = durations.percentile(0.5)
    return RejectedCalls(
        calls=sum(reasons.values()),
        by_reason=dict(reasons),
        by_priority=dict(priorities),
        let_through=sum(slot.calls for slot in let_through),
        let_through_failed=sum(map(_failed, let_through)),
        let_through_median_ms=None if median is None else round(median * 1000, 1),
        would_have_failed=_estimate(rejecting, let_through),
    )


def _after_the_first(slots: Sequence[HistorySlot]) -> Iterator[HistorySlot]:
    """Yield the slots with rejections whose predecessor has some, too."""
    before = False
    for slot in slots:
        if slot.rejections and before:
            yield slot
        before = bool(slot.rejections)


def _estimate(rejecting: Sequence[HistorySlot], let_through: Sequence[HistorySlot]) -> int | None:
    """Return how many of the rejected would have failed, as those let through nearest before.

    Before the first of these, as the first.
    """
    shares = {slot.start: _failed(slot) / slot.calls for slot in let_through if slot.calls}
    if not shares:
        return None
    share, total = next(iter(shares.values())), 0.0
    for slot in rejecting:
        share = shares.get(slot.start, share)
        total += slot.rejections * share
    return round(total)


def _failed(slot: HistorySlot) -> int:
    return min(slot.calls, slot.failures + slot.timed_out)
