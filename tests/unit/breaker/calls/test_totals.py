from __future__ import annotations

import pytest

from breakerd.breaker.calls.totals import CallDelta, CallTotals, DeltaReader
from breakerd.breaker.calls.window import SlidingWindow


@pytest.fixture
def window() -> SlidingWindow:
    return SlidingWindow(64, 60, 0.95, 1.0)


def test_a_batch_is_what_came_since_the_last_one(window: SlidingWindow) -> None:
    feed = DeltaReader()
    feed.read(
        CallTotals(admitted=5, rejected=1, ended=3, errors=1, late=1, duration=2.0), window, 2
    )
    for seconds in (0.1, 0.2, 0.3):
        window.add(1, seconds, error=False)
    totals = CallTotals(admitted=9, rejected=4, ended=6, errors=2, late=1, duration=2.6)
    batch = feed.read(totals, window, 3)
    assert batch.duration == pytest.approx(0.6)
    assert (batch.admitted, batch.rejected, batch.ended) == (4, 3, 3)
    assert (batch.errors, batch.late, batch.in_flight) == (1, 0, 3)
    assert batch.durations == [0.1, 0.2, 0.3]


def test_nothing_new_is_an_empty_batch(window: SlidingWindow) -> None:
    feed = DeltaReader()
    window.add(1, 0.5, error=False)
    totals = CallTotals(admitted=1, ended=1, duration=0.5)
    feed.read(totals, window, 0)
    assert feed.read(totals, window, 0) == CallDelta()


def test_calls_that_nobody_reported_teach_nothing(window: SlidingWindow) -> None:
    feed = DeltaReader()
    for _ in range(10):
        window.add(1, 9.0, error=True)
    window.add(1, 0.1, error=False)
    batch = feed.read(CallTotals(admitted=1, ended=1, duration=0.1), window, 0)
    assert batch.durations == [0.1]


def test_a_large_window_gives_a_sample() -> None:
    window, feed = SlidingWindow(10_000, 60, 0.95, 1.0), DeltaReader()
    for n in range(5000):
        window.add(1, n / 1000, error=False)
    batch = feed.read(CallTotals(admitted=5000, ended=5000, duration=1.0), window, 0)
    assert batch.durations[-1] == 4.999
    assert len(batch.durations) == 256
