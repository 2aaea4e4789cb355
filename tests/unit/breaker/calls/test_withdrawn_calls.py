from __future__ import annotations

import random
from bisect import bisect_right

from breakerd.breaker.calls.withdrawn_calls import _MAX_STARTS, WithdrawnCalls


def test_starts_are_counted_on_both_sides_of_a_moment() -> None:
    calls = WithdrawnCalls(span=10)
    for start in (3.0, 1.0, 2.0):
        calls.add(4.0, start)
    assert [calls.started_by(moment) for moment in (0, 1, 2.5, 9)] == [0, 1, 2, 3]
    assert [calls.started_after(moment) for moment in (0, 1, 2.5, 9)] == [3, 2, 1, 0]


def test_within_the_span_the_counts_are_exact() -> None:
    calls, starts, rng = WithdrawnCalls(span=2.0), [], random.Random(1)
    for step in range(5000):
        now = step / 100
        start = now - rng.random()
        calls.add(now, start)
        starts.append(start)
        for back in (0.0, 0.5, 1.9):
            by_then = sum(begun <= now - back for begun in starts[-400:])
            assert calls.started_by(now - back) == max(0, len(starts) - 400) + by_then
            assert calls.started_after(now - back) == min(400, len(starts)) - by_then


def test_memory_is_bounded() -> None:
    calls = WithdrawnCalls(span=1e9)
    for n in range(3 * _MAX_STARTS):
        calls.add(float(n), float(n))
    assert len(calls._starts) <= _MAX_STARTS
    assert calls.started_by(1e9) == 3 * _MAX_STARTS
    assert bisect_right(calls._starts, 1e9) < 3 * _MAX_STARTS
