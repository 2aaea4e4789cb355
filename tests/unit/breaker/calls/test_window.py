from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from breakerd.breaker.calls.window import SlidingWindow

Call = tuple[float, float, bool]

calls = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2, width=16), st.booleans()), max_size=80)
shapes = st.tuples(
    st.integers(1, 20), st.floats(0.5, 10), st.floats(0.01, 0.99), st.floats(0, 2, width=16)
)


def fill(window: SlidingWindow, gaps_and_calls: list[Call]) -> tuple[list[Call], float]:
    """Adds the calls, each (gap before it, duration, failed); returns them with their ends."""
    now, made = 100.0, []
    for gap, seconds, failed in gaps_and_calls:
        now += gap
        window.add(now, seconds, error=failed)
        window.expire(now)
        made.append((now, seconds, failed))
    return made, now


def expected(made: list[Call], now: float, size: int, max_age: float) -> list[Call]:
    kept: list[Call] = []
    for call in made:
        kept = [*kept, call][-size:]
    return [call for call in kept if call[0] >= now - max_age]


def too_slow(kept: list[Call], percentile: float, threshold: float) -> bool:
    """go-breaker's test, by sorting."""
    latencies = sorted(seconds for _, seconds, _ in kept)
    n = len(latencies)
    return n > 0 and latencies[min(int(n * percentile), n - 1)] > threshold


@given(calls, shapes)
def test_counts_like_a_sort_would(
    gaps_and_calls: list[Call], shape: tuple[int, float, float, float]
) -> None:
    size, max_age, percentile, threshold = shape
    window = SlidingWindow(*shape)
    made, now = fill(window, gaps_and_calls)
    kept = expected(made, now, size, max_age)
    assert window.dump() == kept
    assert window.durations() == [seconds for _, seconds, _ in kept]
    assert window.slow_count == sum(seconds > threshold for _, seconds, _ in kept)
    assert window.failure_count == sum(failed for _, _, failed in kept)
    assert window.percentile_exceeded is too_slow(kept, percentile, threshold)
    assert (window.percentile() > threshold) is window.percentile_exceeded


@given(calls, shapes, shapes)
def test_new_settings_keep_the_newest_calls(
    gaps_and_calls: list[Call],
    shape: tuple[int, float, float, float],
    other: tuple[int, float, float, float],
) -> None:
    window = SlidingWindow(*shape)
    made, now = fill(window, gaps_and_calls)
    window.configure(*other)
    window.expire(now)
    kept = expected(expected(made, now, *shape[:2]), now, *other[:2])
    assert window.dump() == kept
    assert window.slow_count == sum(seconds > other[3] for _, seconds, _ in kept)
    assert window.failure_count == sum(failed for _, _, failed in kept)
    window.add(now, 5.0, error=True)
    assert window.dump()[-1] == (now, 5.0, True)


def test_all_old_calls_leave_at_once() -> None:
    window = SlidingWindow(5, 10.0, 0.5, 0.1)
    for second in range(5):
        window.add(float(second), 1.0, error=True)
    window.expire(100.0)
    assert len(window) == window.slow_count == window.failure_count == 0
    assert window.total == 5
    assert window.percentile() == 0.0


def test_newest_durations() -> None:
    window = SlidingWindow(5, 10.0, 0.5, 0.1)
    for second in range(4):
        window.add(float(second), float(second), error=False)
    assert window.durations(2) == [2.0, 3.0]
    assert window.durations(9) == [0.0, 1.0, 2.0, 3.0]
    window.extend(4.0, [4.0, 5.0, 6.0])
    window.extend(5.0, [7.0])
    assert window.durations(0) == []
    assert window.durations(3) == [5.0, 6.0, 7.0]
    assert window.durations(5) == window.durations(9) == [3.0, 4.0, 5.0, 6.0, 7.0]
    window.extend(6.0, [8.0, 9.0])
    assert window.durations(4) == [6.0, 7.0, 8.0, 9.0]
    assert window.durations() == [5.0, 6.0, 7.0, 8.0, 9.0]  # half of a batch has left
    assert window.size == 5


batches = st.lists(
    st.tuples(st.floats(0, 3), st.lists(st.floats(0, 2, width=16), min_size=1, max_size=30)),
    max_size=20,
)


def test_newest_calls_come_newest_first() -> None:
    window = SlidingWindow(4, 60.0, 0.95, 1.0)
    window.add(1.0, 0.1, error=True)
    window.extend(2.0, [0.2, -0.5])
    window.add(3.0, 0.3, error=True)
    window.add(3.0, 0.4, error=False)
    assert window.newest(0) == []
    assert window.newest(3) == [(3.0, 0.4, False), (3.0, 0.3, True), (2.0, 0.0, False)]
    assert window.newest(9) == [*window.newest(3), (2.0, 0.2, False)], "no more than it holds"


@given(calls, batches, shapes)
def test_a_batch_counts_like_its_calls_one_by_one(
    gaps_and_calls: list[Call],
    batches: list[tuple[float, list[float]]],
    shape: tuple[int, float, float, float],
) -> None:
    size, max_age, _, threshold = shape
    window = SlidingWindow(*shape)
    made, now = fill(window, gaps_and_calls)
    for gap, batch in batches:
        now += gap
        good = [min(seconds, threshold) for seconds in batch]
        window.extend(now, good)
        window.add(now + 0.01, threshold + 1, error=True)
        window.expire(now + 0.01)
        made += [*((now, seconds, False) for seconds in good), (now + 0.01, threshold + 1, True)]
        now += 0.01
        kept = expected(made, now, size, max_age)
        assert window.dump() == kept
        assert window.slow_count == sum(seconds > threshold for _, seconds, _ in kept)
        assert window.failure_count == sum(failed for _, _, failed in kept)
    assert window.total == len(made)


def test_when_calls_ended_is_kept_once_for_many() -> None:
    window = SlidingWindow(1000, 60.0, 0.95, 1.0)
    for second in range(500):
        window.extend(float(second % 60), [0.1] * 10)
    assert len(window) == 1000
    assert len(window._ends) <= 101


def test_what_was_taken_in_is_the_windows_own() -> None:
    window = SlidingWindow(10, 60.0, 0.95, 1.0)
    noted = [0.1, 0.2]
    window.extend(1.0, noted)
    noted.append(0.3)
    window.extend(2.0, [0.4])
    assert window.dump() == [(1.0, 0.1, False), (1.0, 0.2, False), (2.0, 0.4, False)]
    window.expire(61.5)
    assert window.dump() == [(2.0, 0.4, False)]


def test_where_the_clock_stands_no_memory_is_lost() -> None:
    window = SlidingWindow(10, 60.0, 0.95, 1.0)
    for call in range(1000):
        window.add(0.0, float(call), error=False)
    assert window.durations() == [float(call) for call in range(990, 1000)]
    assert sum(map(len, window._batches)) <= 30


def test_a_call_that_makes_room_takes_its_marks_along() -> None:
    window = SlidingWindow(2, 60.0, 0.5, 1.0)
    window.add(0.0, 5.0, error=True)
    window.add(1.0, 5.0, error=True)
    window.add(2.0, 0.1, error=False)
    assert (window.failure_count, window.slow_count) == (1, 1)
    window.extend(3.0, [0.1, 0.1, 0.1])
    assert (window.failure_count, window.slow_count) == (0, 0)
    assert window.total == 6


def test_a_call_reported_late_expires_by_its_own_end() -> None:
    window = SlidingWindow(10, 60.0, 0.5, 1.0)
    window.add(100.0, 0.1, error=False)
    window.add(50.0, 5.0, error=True)
    window.add(101.0, 0.2, error=False)
    window.expire(110.0)
    assert len(window) == 3
    window.expire(111.0)
    assert window.dump() == [(100.0, 0.1, False), (101.0, 0.2, False)]
    assert (window.failure_count, window.slow_count, window.total) == (0, 0, 3)


def test_late_reports_are_remembered_no_longer_than_their_calls() -> None:
    window = SlidingWindow(4, 1e6, 0.5, 1.0)
    for call in range(1000):
        window.add(2.0 * call, 0.1, error=False)
        window.add(2.0 * call - 1, 5.0, error=True)
        window.expire(2.0 * call)
    assert len(window._late_reports) <= 9
    window.clear()
    window.add(0.0, 0.1, error=False)
    assert not window._late_reports
